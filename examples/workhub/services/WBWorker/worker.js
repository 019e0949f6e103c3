// Worker: behind no route; leaves a heartbeat in the database. Old and new may run side by side for a moment.
import { readFileSync } from "node:fs";
import pg from "pg";

const version = readFileSync("VERSION", "utf8").trim();
const database = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
database.on("error", (problem) => console.error("database:", problem.message));
await database.query("create table if not exists heartbeats (version text primary key, at timestamptz)");
console.log(`worker ${version} starts`);

let stopping = false;
process.on("SIGTERM", () => (stopping = true));
while (!stopping) {
  await database.query(
    "insert into heartbeats values ($1, now()) on conflict (version) do update set at = now()", [version]);
  await new Promise((done) => setTimeout(done, 500));
}
await database.end();
