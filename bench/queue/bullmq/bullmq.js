// BullMQ, one round: jobs of 200 bytes are added in bulk and completed, each way of taking them in turn.
//     node bullmq.js SOCKET BATCH BATCHES
// A line a way: its name, jobs added a second, jobs taken and completed a second, separated by tabs.
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

const [socket, batch, batches] = [process.argv[2], +process.argv[3], +process.argv[4]];
const open = [];

function connection() {
  open.push(new Redis(socket, { maxRetriesPerRequest: null }));
  return open.at(-1);
}

const rate = (start) => (batch * batches) / (Number(process.hrtime.bigint() - start) / 1e9);

async function add(queue) {
  const job = { name: "bench", data: "x".repeat(200), opts: { removeOnComplete: true } };
  const start = process.hrtime.bigint();
  for (let i = 0; i < batches; i++) await queue.addBulk(Array(batch).fill(job));
  return rate(start);
}

// Several workers, each with several jobs at a time, as its manual advises for speed.
function byWorkers(count, concurrency) {
  return async (queue) => {
    let left = batch * batches;
    const workers = [];
    const start = process.hrtime.bigint();
    await new Promise((done) => {
      for (let i = 0; i < count; i++) {
        workers.push(new Worker(queue.name, async () => {}, { connection: connection(), concurrency }));
        workers[i].on("completed", () => --left || done());
      }
    });
    const found = rate(start);
    await Promise.all(workers.map((worker) => worker.close()));
    return found;
  };
}

// Jobs are asked for; with the end of one comes the next.
function byHand(loops) {
  return async (queue) => {
    const worker = new Worker(queue.name, null, { connection: connection() });
    await worker.waitUntilReady();
    const start = process.hrtime.bigint();
    let done = 0;
    await Promise.all(Array.from({ length: loops }, async (_, i) => {
      const token = `loop ${i}`;
      let job = await worker.getNextJob(token, { block: false });
      while (job) {
        const [data, id] = (await job.moveToCompleted("", token, true)) ?? [];
        done++;
        job = data ? await worker.nextJobFromJobData(data, id, token) : undefined;
      }
    }));
    if (done !== batch * batches) throw new Error(`${done} jobs were done`);
    const found = rate(start);
    await worker.close();
    return found;
  };
}

const ways = {
  "BullMQ, 1 worker of 256": byWorkers(1, 256),
  "BullMQ, 4 workers of 64": byWorkers(4, 64),
  "BullMQ, 256 loops by hand": byHand(256),
};
for (const [name, take] of Object.entries(ways)) {
  const queue = new Queue("bench", { connection: connection() });
  await queue.obliterate({ force: true });
  const added = await add(queue);
  console.log([name, added, await take(queue)].join("\t"));
  await queue.close();
}
for (const one of open) one.disconnect();
