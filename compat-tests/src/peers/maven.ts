import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder, PeerUnavailableError } from "./cache.js";

/**
 * Fetches artifacts from Maven with all that they need at run time, once: the jars stay in `.cache/maven/NAME`.
 * @param coordinates - `group:artifact:version`, each
 * @returns a Java class path
 * @throws {@link PeerUnavailableError} when Maven is missing or its repository cannot be reached
 */
export function mavenClasspath(name: string, coordinates: readonly string[]): string {
  const folder = cacheFolder("maven", name);
  const stamp = join(folder, "stamp");
  const wanted = createHash("sha256").update(coordinates.join("\n")).digest("hex");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    for (const file of readdirSync(folder)) rmSync(join(folder, file), { recursive: true });
    const pom = join(folder, "pom.xml");
    writeFileSync(pom, pomOf(coordinates));
    try {
      execFileSync(
        "mvn",
        [
          "-q",
          "-B",
          "-f",
          pom,
          "dependency:copy-dependencies",
          `-DoutputDirectory=${folder}`,
          "-DincludeScope=runtime",
        ],
        { stdio: ["ignore", "pipe", "pipe"] },
      );
    } catch (error) {
      throw new PeerUnavailableError(`Maven did not give ${coordinates.join(", ")}: ${detailOf(error)}`);
    }
    writeFileSync(stamp, wanted);
  }
  return join(folder, "*");
}

function pomOf(coordinates: readonly string[]): string {
  const dependencies = coordinates.map((coordinate) => {
    const [group, artifact, version] = coordinate.split(":");
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  });
  return [
    "<project><modelVersion>4.0.0</modelVersion>",
    "<groupId>quoll</groupId><artifactId>peer</artifactId><version>1</version>",
    `<dependencies>${dependencies.join("")}</dependencies></project>`,
  ].join("\n");
}

function detailOf(error: unknown): string {
  const output = (error as { stdout?: Buffer }).stdout?.toString().trim();
  return output ? output.split("\n").slice(0, 5).join("\n") : String(error);
}
