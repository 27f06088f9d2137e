import type { ClientOptions, OperationOptions } from "../promise/options.js";
import { ZooKeeper } from "../promise/zookeeper.js";
import { nodePlatform, type TlsOptions } from "./platform.js";

/** How a client on Node behaves. All have defaults. */
export interface NodeClientOptions extends ClientOptions {
  /** Connects by TLS; `{}` for the platform's certificate authorities. */
  readonly tls?: TlsOptions;
}

/**
 * Makes a client. It looks for a server at once; operations may be called at once, too, and wait.
 * @param connectString - `host:port,host:port/chroot`
 * @throws {@link ConnectStringError}, or a RangeError for an option out of its bounds
 */
export function createClient(connectString: string, options: NodeClientOptions = {}): ZooKeeper {
  return new ZooKeeper(connectString, options, nodePlatform({ tls: options.tls }));
}

/**
 * Makes a client and waits until it has a session:
 * ```ts
 * await using zk = await connect("localhost:2181");
 * ```
 * If that fails the client is closed.
 * @param wait - gives up by its signal or its timeout; by default after the operation timeout
 * @throws {@link KeeperError} OperationTimeout or AuthFailed; {@link AbortedError}; {@link ConnectStringError}
 */
export async function connect(
  connectString: string,
  options: NodeClientOptions = {},
  wait: OperationOptions = {},
): Promise<ZooKeeper> {
  const zk = createClient(connectString, options);
  try {
    await zk.connected({ timeoutMs: options.operationTimeoutMs ?? 30_000, ...wait });
  } catch (error) {
    await zk.close();
    throw error;
  }
  return zk;
}
