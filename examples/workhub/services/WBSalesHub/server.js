// SalesHub: deals, kept in PostgreSQL; a total that it asks FinHub for; a page that only a bearer of HubManager's token sees.
import { readFileSync } from "node:fs";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";

const service = "saleshub";
const prefix = "/saleshub";
const version = readFileSync("VERSION", "utf8").trim();
const database = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 5 });
database.on("error", (problem) => console.error("database:", problem.message)); // an idle connection that broke

const api = express.Router();
api.use(express.json());
api.get("/health", async (request, response) => {
  await database.query("select 1");
  response.json({ service, version, ok: true });
});
api.get("/slow", (request, response) => setTimeout(() => response.json({ service, version }), 3000));
api.post("/echo", (request, response) => response.json({ service, version, body: request.body }));
api.get("/deals", async (request, response) => {
  const { rows } = await database.query("select id, customer, amount from deals order by id");
  response.json({ service, version, deals: rows });
});
api.get("/summary", async (request, response) => {
  const answer = await fetch(`${process.env.FINHUB_URL}/api/summary`, { signal: AbortSignal.timeout(5000) });
  response.json({ service, version, finance: await answer.json() });
});
api.get("/private", (request, response) => {
  const token = (request.headers.authorization ?? "").replace("Bearer ", "");
  const key = readFileSync("/app/keys/jwt_public.pem");
  try {
    response.json({ service, version, user: jwt.verify(token, key, { algorithms: ["RS256"] }).sub });
  } catch (problem) {
    response.status(401).json({ service, version, error: problem.message });
  }
});

const app = express();
app.use(`${prefix}/api`, api);
app.get([prefix, `${prefix}/`], (request, response) => response.send(`<h1>SalesHub ${version}</h1>`));
app.use((problem, request, response, next) => {
  console.error(problem.message);
  response.status(503).json({ service, version, ok: false, error: problem.message });
});

const server = app.listen(Number(process.env.PORT ?? 4010), () => console.log(`${service} ${version} listens`));
server.keepAliveTimeout = 65_000;
process.on("SIGTERM", () => {
  server.close(() => database.end().then(() => process.exit(0))); // running requests finish first
  server.closeIdleConnections();
});
