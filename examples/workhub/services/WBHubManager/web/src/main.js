import "./style.css";

const answer = await (await fetch("/api/hubs")).json();
const links = answer.hubs.map((hub) => `<a href="${hub.path}/">${hub.name}</a>`);
document.querySelector("#hubs").innerHTML =
  `<h1>WorkHub <small>${answer.environment} · ${answer.version}</small></h1><nav>${links.join("")}</nav>`;
