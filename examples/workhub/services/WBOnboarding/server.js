// Onboarding: the list of first steps for a new colleague.
import { readFileSync } from "node:fs";
import Fastify from "fastify";

const service = "onboarding";
const prefix = "/onboarding";
const version = readFileSync("VERSION", "utf8").trim();
const steps = ["Read the guide", "Sign in to WorkHub", "Ask a question", "Deploy something small"];

const app = Fastify({ logger: { level: process.env.LOG_LEVEL ?? "warn" }, keepAliveTimeout: 65_000 });
app.get(`${prefix}/api/health`, async () => ({ service, version, ok: true }));
app.get(`${prefix}/api/slow`, () => new Promise((done) => setTimeout(() => done({ service, version }), 3000)));
app.post(`${prefix}/api/echo`, async (request) => ({ service, version, body: request.body }));
app.get(`${prefix}/api/steps`, async () => ({ service, version, steps }));
app.get(`${prefix}/`, async (request, reply) =>
  reply.type("text/html").send(`<h1>Onboarding ${version}</h1><ol><li>${steps.join("<li>")}</ol>`));

process.on("SIGTERM", () => app.close().then(() => process.exit(0))); // running requests finish first
await app.listen({ port: Number(process.env.PORT ?? 4030), host: "0.0.0.0" });
console.log(`${service} ${version} listens`);
