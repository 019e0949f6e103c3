// Run once before a release goes live; running it again changes nothing.
import pg from "pg";

const hubs = { SalesHub: "/saleshub", FinHub: "/finhub", Onboarding: "/onboarding", TestAgent: "/testagent" };
const database = new pg.Client({ connectionString: process.env.DATABASE_URL });
await database.connect();
await database.query("select pg_advisory_lock(4090)");
await database.query("create table if not exists hubs (name text primary key, path text not null)");
await database.query("create table if not exists logins (at timestamptz default now(), subject text not null)");
for (const [name, path] of Object.entries(hubs)) {
  await database.query("insert into hubs values ($1, $2) on conflict (name) do update set path = $2", [name, path]);
}
await database.end();
console.log("hubs: migrated");
