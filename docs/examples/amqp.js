// Node.js and any AMQP library, here amqplib: nameko's wire format by hand, in twenty lines.
const amqp = require("amqplib");
const { randomUUID } = require("node:crypto");

const tenant = process.env.TENANT;

async function client(channel) {
  const waiting = new Map();
  const replyTo = randomUUID();
  const { queue } = await channel.assertQueue("", { exclusive: true, autoDelete: true });
  await channel.bindQueue(queue, "nameko-rpc", replyTo);
  await channel.consume(queue, (message) => {
    const { result, error } = JSON.parse(message.content);
    const { resolve, reject } = waiting.get(message.properties.correlationId) ?? {};
    waiting.delete(message.properties.correlationId);
    // a typed error is {kind, code, message, rules, faults}
    error ? reject?.(error.exc_args[0]) : resolve?.(result);
  }, { noAck: true });

  return (method, request, key) => new Promise((resolve, reject) => {
    const correlationId = randomUUID();
    const headers = { "nameko.auth_token": process.env.KUNDVAL_TOKEN };
    if (key) headers["nameko.idempotency_key"] = key;
    waiting.set(correlationId, { resolve, reject });
    const body = Buffer.from(JSON.stringify({ args: [], kwargs: request }));
    channel.publish("nameko-rpc", method, body,
      { contentType: "application/json", correlationId, replyTo, headers, expiration: "30000" });
    setTimeout(() => reject({ kind: "TIMED_OUT", code: "TIMED_OUT", rules: [] }), 30000).unref();
  });
}

async function main() {
  const connection = await amqp.connect(process.env.KUNDVAL_AMQP_URI);
  const channel = await connection.createChannel();
  const call = await client(channel);

  const events = await channel.assertQueue("", { exclusive: true, autoDelete: true });
  await channel.bindQueue(events.queue, "assignment.events", "assignment.contact");
  const heard = new Promise((resolve, reject) => {
    setTimeout(() => reject(new Error("heard nothing")), 30000).unref();
    channel.consume(events.queue, (message) => {
      const event = JSON.parse(message.content); // CloudEvents 1.0
      if (event.tenant === tenant && event.data.fact_id === "node-1") resolve(event);
    }, { noAck: true });
  });

  console.log("A-1 is", (await call("assignment.state", { tenant, assignment: "A-1" })).state);
  const fact = { assignment: "A-1", id: "node-1", fact: "contact", on: "2024-04-08", channel: "PHONE" };
  for (let i = 0; i < 2; i++) // as after a lost answer: the same key, so one effect and the same answer
    console.log("stated", (await call("assignment.record_facts", { tenant, facts: [fact] }, "node-1")).recorded);
  const early = { ...fact, id: "node-2", on: "2024-03-01" }; // before there was a decision
  await call("assignment.record_facts", { tenant, facts: [early] }, "node-2")
    .catch((error) => console.log("refused", error.code, ...error.rules));
  const event = await heard;
  console.log("heard", event.type, "of", event.subject, "on", event.data.on);
  await connection.close();
}

main().catch((error) => { console.error(error); process.exit(1); });
