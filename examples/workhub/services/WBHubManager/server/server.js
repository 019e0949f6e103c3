// HubManager: the front page with all hubs, and the tokens with which users enter them.
import { readFileSync } from "node:fs";
import express from "express";
import jwt from "jsonwebtoken";
import pg from "pg";

const service = "hubmanager";
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
api.get("/hubs", async (request, response) => {
  const { rows } = await database.query("select name, path from hubs order by name");
  response.json({ service, version, environment: process.env.ENVIRONMENT, hubs: rows });
});
api.post("/token", async (request, response) => {
  const subject = String(request.body?.user ?? "guest");
  await database.query("insert into logins (subject) values ($1)", [subject]);
  const key = readFileSync("/app/server/keys/jwt_private.pem");
  const token = jwt.sign({ sub: subject }, key, { algorithm: "RS256", expiresIn: "1h", issuer: process.env.JWT_ISSUER });
  response.json({ service, version, token });
});

const app = express();
app.use("/api", api);
app.use(express.static("web/dist"));
app.use((problem, request, response, next) => {
  console.error(problem.message);
  response.status(503).json({ service, version, ok: false, error: problem.message });
});

const server = app.listen(Number(process.env.PORT ?? 4090), () => console.log(`${service} ${version} listens`));
server.keepAliveTimeout = 65_000;
process.on("SIGTERM", () => {
  server.close(() => database.end().then(() => process.exit(0))); // running requests finish first
  server.closeIdleConnections();
});
