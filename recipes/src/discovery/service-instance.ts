import { buildUri, type UriSpec } from "./uri-spec.js";

/**
 * How long an instance stays registered: `DYNAMIC` ones as long as their session (`DYNAMIC_SEQUENTIAL` with a number behind
 * the id), `STATIC` until they are unregistered or the discovery is closed, `PERMANENT` until they are unregistered.
 */
export type ServiceType = "DYNAMIC" | "DYNAMIC_SEQUENTIAL" | "STATIC" | "PERMANENT";

const SERVICE_TYPES: readonly string[] = ["DYNAMIC", "DYNAMIC_SEQUENTIAL", "STATIC", "PERMANENT"];

/** One place where a service can be reached. The fields, their names and order are those of curator-x-discovery's JSON. */
export interface ServiceInstance<T = unknown> {
  /** The service's. */
  readonly name: string;
  /** Unique among the service's instances; the name of the znode. */
  readonly id: string;
  /** Host name or IP address; null if the URI says enough. */
  readonly address: string | null;
  /** Null if there is none without TLS. */
  readonly port: number | null;
  /** Null if there is none with TLS. */
  readonly sslPort: number | null;
  /** Whatever the service wants to tell; for Java readers of a class of theirs it needs `@class`. */
  readonly payload: T | null;
  /** In ms since 1970. */
  readonly registrationTimeUTC: number;
  /** How long it stays registered. */
  readonly serviceType: ServiceType;
  /** How its URI is put together, see {@link uriOf}. */
  readonly uriSpec: UriSpec | null;
  /** Instances that are not enabled are registered but not given out. */
  readonly enabled: boolean;
}

/** What has to be said of an instance; the rest has defaults. */
export type ServiceInstanceInit<T> = Pick<ServiceInstance<T>, "name"> & Partial<ServiceInstance<T>>;

/** An instance with defaults: a `DYNAMIC` and enabled one. `id` and the time of registration come from the caller. */
export function serviceInstance<T>(init: ServiceInstanceInit<T>, id: string, nowMs: number): ServiceInstance<T> {
  if (init.name === "" || init.name.includes("/")) {
    throw new RangeError(`${JSON.stringify(init.name)} cannot be a service's name: it becomes a znode's`);
  }
  return {
    name: init.name,
    id: init.id ?? id,
    address: init.address ?? null,
    port: init.port ?? null,
    sslPort: init.sslPort ?? null,
    payload: init.payload ?? null,
    registrationTimeUTC: init.registrationTimeUTC ?? nowMs,
    serviceType: init.serviceType ?? "DYNAMIC",
    uriSpec: init.uriSpec ?? null,
    enabled: init.enabled ?? true,
  };
}

/** The instance's URI by its own specification; null if it has none. */
export function uriOf(
  instance: ServiceInstance,
  variables: Readonly<Record<string, string | number>> = {},
): string | null {
  return instance.uriSpec === null ? null : buildUri(instance.uriSpec, instance, variables);
}

/**
 * The JSON of an instance.
 * @param withEnabled - Curator up to 5.x leaves `enabled` out unless told (`compatibleSerializationMode`), for readers of
 *   its version 2 that refuse unknown fields. It is written whenever an instance is not enabled: else that would be lost.
 */
export function encodeInstance(instance: ServiceInstance, withEnabled = false): Uint8Array {
  const { name, id, address, port, sslPort, payload, registrationTimeUTC, serviceType, uriSpec, enabled } = instance;
  const json: Record<string, unknown> = {
    name,
    id,
    address,
    port,
    sslPort,
    payload,
    registrationTimeUTC,
    serviceType,
    uriSpec,
  };
  if (withEnabled || !enabled) json["enabled"] = enabled;
  return new TextEncoder().encode(JSON.stringify(json));
}

/**
 * Reads an instance; unknown fields are ignored, as Curator does.
 * @returns null if it is none: no JSON, or without a name and an id
 */
export function decodeInstance<T>(bytes: Uint8Array): ServiceInstance<T> | null {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  if (typeof json !== "object" || json === null) return null;
  const fields = json as Record<string, unknown>;
  const { name, id, serviceType } = fields;
  if (typeof name !== "string" || typeof id !== "string") return null;
  return {
    name,
    id,
    address: typeof fields["address"] === "string" ? fields["address"] : null,
    port: typeof fields["port"] === "number" ? fields["port"] : null,
    sslPort: typeof fields["sslPort"] === "number" ? fields["sslPort"] : null,
    payload: (fields["payload"] ?? null) as T | null,
    registrationTimeUTC: typeof fields["registrationTimeUTC"] === "number" ? fields["registrationTimeUTC"] : 0,
    serviceType:
      typeof serviceType === "string" && SERVICE_TYPES.includes(serviceType) ? (serviceType as ServiceType) : "DYNAMIC",
    uriSpec: decodeUriSpec(fields["uriSpec"]),
    enabled: fields["enabled"] !== false,
  };
}

function decodeUriSpec(json: unknown): UriSpec | null {
  const parts = (json as { parts?: unknown } | null | undefined)?.parts;
  if (!Array.isArray(parts)) return null;
  return {
    parts: parts.map((part: { value?: unknown; variable?: unknown } | null) => ({
      value: typeof part?.value === "string" ? part.value : "",
      variable: part?.variable === true,
    })),
  };
}
