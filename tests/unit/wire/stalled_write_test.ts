import { failure } from "./errors.ts";
import { dataPair } from "./loopback.ts";

// In a file of its own: the runtime's write behind the one that was given up ends only when the
// peer's end of the connection does, which is after the test.
for (const kind of ["tls", "insecure"] as const) {
  for (const side of ["source", "destination"] as const) {
    Deno.test(`ByteStream: a write that waits is ended by its own close, ${side} over ${kind}`, {
      sanitizeOps: false,
      sanitizeResources: false,
    }, async () => {
      await using pair = await dataPair(kind);
      const stream = pair[side];
      const writing = (async () => {
        for (;;) await stream.write(new Uint8Array(1024 * 1024));
      })();
      await pair[side === "source" ? "destination" : "source"].read(new Uint8Array(1));
      stream.close();
      await failure("peer-lost", writing);
    });
  }
}
