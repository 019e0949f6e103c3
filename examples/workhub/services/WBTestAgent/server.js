// TestAgent: asks every other hub, by its name, how it is.
import { readFileSync } from "node:fs";
import Fastify from "fastify";

const service = "testagent";
const prefix = "/testagent";
const version = readFileSync("VERSION", "utf8").trim();
const hubs = (process.env.HUBS ?? "").split(" ").filter(Boolean); // such as http://finhub:4020/finhub

async function ask(hub) {
  try {
    const answer = await fetch(`${hub}/api/health`, { signal: AbortSignal.timeout(3000) });
    return { hub, ok: answer.ok, ...(await answer.json()) };
  } catch (problem) {
    return { hub, ok: false, error: problem.message };
  }
}

const app = Fastify({ logger: { level: process.env.LOG_LEVEL ?? "warn" }, keepAliveTimeout: 65_000 });
app.get(`${prefix}/api/health`, async () => ({ service, version, ok: true }));
app.get(`${prefix}/api/slow`, () => new Promise((done) => setTimeout(() => done({ service, version }), 3000)));
app.post(`${prefix}/api/echo`, async (request) => ({ service, version, body: request.body }));
app.get(`${prefix}/api/check`, async () => ({ service, version, hubs: await Promise.all(hubs.map(ask)) }));
app.get(`${prefix}/`, async (request, reply) => reply.type("text/html").send(`<h1>TestAgent ${version}</h1>`));

process.on("SIGTERM", () => app.close().then(() => process.exit(0))); // running requests finish first
await app.listen({ port: Number(process.env.PORT ?? 4100), host: "0.0.0.0" });
console.log(`${service} ${version} listens`);
