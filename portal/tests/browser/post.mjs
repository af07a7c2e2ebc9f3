// Receivers of notices on this machine: a webhook and an SMTP server.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bounded } from "./harness.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const run = promisify(execFile);

/** What arrives, one after the other: `next` waits for it. */
function box(what) {
  const items = [];
  const waiting = [];
  const put = (item) => {
    items.push(item);
    waiting.shift()?.();
  };
  const next = async () => {
    if (items.length === 0) await bounded(what, new Promise((come) => waiting.push(come)));
    return items.shift();
  };
  return { put, next };
}

async function listening(server) {
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return server.address().port;
}

/** A webhook that responds with `status`. */
export async function hook() {
  const { put, next } = box("a webhook is called");
  const server = createHttp(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    put({ url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() });
    response.writeHead(receiver.status, { connection: "close" }).end();
  });
  const port = await listening(server);
  const receiver = { status: 204, url: `http://127.0.0.1:${port}/hook`, next, close: () => server.close() };
  return receiver;
}

/** An SMTP server that accepts every message (RFC 5321). */
export async function mailbox() {
  const { put, next } = box("an e-mail arrives");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    let text;
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 test");
    createInterface(socket).on("line", (line) => {
      if (text && line !== ".") return text.push(line);
      if (text) put(text.join("\n"));
      text = line === "DATA" ? [] : undefined;
      return say(line === "DATA" ? "354 Go on" : line === "QUIT" ? "221 Bye" : "250 OK");
    });
  });
  const port = await listening(server);
  const more = { PRISM_SMTP_URL: `smtp://127.0.0.1:${port}`, PRISM_SMTP_FROM: "Prism <prism@example.org>" };
  return { more, next, close: () => server.close() };
}

/** What the example of docs/notices.md says of a request: whether the secret has signed it. */
export async function verified(secret, { headers, body }) {
  const example = readFileSync(join(HERE, "../../../docs/notices.md"), "utf8").split("```python\n")[1].split("```")[0];
  const header = headers["prism-signature"];
  // Of the cloud's time, which runs faster than that of this machine.
  const now = /^t=(\d+)/.exec(header)[1];
  const script = `${example}\nimport sys\nprint(verify(sys.argv[1], sys.argv[2], sys.argv[3].encode(), int(sys.argv[4])))`;
  const { stdout } = await run("python3", ["-c", script, secret, header, body, now]);
  return stdout.trim() === "True";
}
