// Run once before a release goes live; running it again changes nothing.
import pg from "pg";

const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
await database.connect();
await database.query("select pg_advisory_lock(4010)"); // two environments never share a database, two runs might
await database.query("create table if not exists deals (id serial primary key, customer text unique, amount integer)");
await database.query("insert into deals (customer, amount) values ('Hanok Tea', 1200), ('Goryeo Glaze', 3400) on conflict do nothing");
await database.end();
console.log("deals: migrated");
