import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseProperties } from "./config/properties.js";
import { NodeDisk } from "./disk/node-disk.js";

/** Lines of zoo.cfg that the dynamic file takes over; ZooKeeper drops `peerType` with them, as the member's line says it. */
const MOVED = /^\s*(?:server\.|group|weight|dynamicConfigFile|peerType)/;
const CLIENT_ADDRESS = /^\s*clientPort/;

/**
 * The files that hold the members when they may change: `zoo.cfg.dynamic.next` while a change is under way, then
 * `zoo.cfg.dynamic.<version in hex>`, to which zoo.cfg points (rule D42). (ZooKeeper: QuorumPeerConfig.writeDynamicConfig,
 * editStaticConfig.)
 */
export class MembershipFiles {
  private readonly disk = new NodeDisk();

  /** @param configFile - zoo.cfg */
  constructor(private readonly configFile: string) {}

  private get nextFile(): string {
    return `${this.configFile}.dynamic.next`;
  }

  /** The text of a change that was under way when this server stopped, or null. */
  readProposed(): string | null {
    return existsSync(this.nextFile) ? readFileSync(this.nextFile, "utf8") : null;
  }

  /**
   * A change is under way: it is durable when this returns.
   * @param text - as in `/zookeeper/config`
   */
  propose(text: string): void {
    this.write(this.nextFile, sortedLines(text, true));
  }

  /**
   * The members have changed: durable when this returns.
   * @param hasClientAddress - whether this server's own line says where it serves clients, so that zoo.cfg need not
   */
  activate(text: string, version: number, hasClientAddress: boolean): void {
    const dynamicFile = `${this.configFile}.dynamic.${version.toString(16)}`;
    this.write(dynamicFile, sortedLines(text, false));
    const before = readFileSync(this.configFile, "latin1");
    const backup = `${this.configFile}.bak`;
    if (!existsSync(backup)) this.write(backup, before);
    const kept = before
      .split(/\r\n|\r|\n/)
      .filter((line) => !MOVED.test(line) && !(hasClientAddress && CLIENT_ADDRESS.test(line)));
    while (kept.at(-1) === "") kept.pop();
    this.write(this.configFile, `${[...kept, `dynamicConfigFile=${dynamicFile}`].join("\n")}\n`);
    if (this.disk.exists(this.nextFile)) {
      this.disk.remove(this.nextFile);
      this.disk.syncDirectory(dirname(this.nextFile));
    }
  }

  private write(path: string, text: string): void {
    const { disk } = this;
    const temporary = join(dirname(path), `.${basename(path)}.tmp`);
    if (disk.exists(temporary)) disk.remove(temporary);
    const bytes = Buffer.from(text, "latin1");
    const file = disk.open(temporary, "create");
    file.write(0, bytes, 0, bytes.length);
    file.sync();
    file.close();
    disk.rename(temporary, path);
    disk.syncDirectory(dirname(path));
  }
}

/** One property per line, in order of their names; the version stands in the file's name, unless it is not final. */
function sortedLines(text: string, keepVersion: boolean): string {
  return parseProperties(text, "configuration")
    .filter(({ key }) => keepVersion || !key.startsWith("version"))
    .map(({ key, value }) => `${key.trim()}=${value.trim()}`)
    .sort()
    .join("\n");
}
