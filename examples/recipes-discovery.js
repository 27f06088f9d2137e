// Who offers which service where, as curator-x-discovery has it: node examples/recipes-discovery.js [HOST:PORT]
import { connect } from "@quoll/client";
import { parseUriSpec, ServiceDiscovery, uriOf } from "@quoll/recipes";

const zk = await connect(process.argv[2] ?? "localhost:2181");
const discovery = new ServiceDiscovery(zk, "/examples/services");

const uriSpec = parseUriSpec("{scheme}://{address}:{port}");
for (const port of [8080, 8081]) {
  await discovery.register({ name: "api", id: `api-${port}`, address: "10.0.0.1", port, uriSpec });
}

const api = await discovery.provider("api").start();
for (let i = 0; i < 3; i++) console.log(uriOf(api.get()));

const broken = api.get();
api.noteError(broken);
api.noteError(broken);
console.log(`given out now: ${api.all().map(({ id }) => id)}`);

await api.close();
await discovery.close();
await zk.close();
