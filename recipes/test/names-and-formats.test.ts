import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leaveStep } from "../src/barriers/double-barrier-turn.js";
import { decodeInstance, encodeInstance, serviceInstance } from "../src/discovery/service-instance.js";
import { DownInstances, randomly, roundRobin, sticky } from "../src/discovery/strategies.js";
import { buildUri, parseUriSpec } from "../src/discovery/uri-spec.js";
import { contendersOf, holdersAndWaiters, LOCK_MARKERS, turnOf } from "../src/locks/contenders.js";
import { contenderPrefix } from "../src/locks/naming.js";
import { checkPath, childPath, isAtOrBelow, nodeName, parentPath } from "../src/names/paths.js";
import { compareSequences, parseSequentialName } from "../src/names/sequence.js";
import { decodeItem, encodeItem } from "../src/queues/item-format.js";
import { delayPrefix, dueMsOf, idOf, idPrefix, kazooEntryPrefix, priorityPrefix } from "../src/queues/item-names.js";
import { decodeNumber, encodeNumber } from "../src/values/number-formats.js";

const UUID = "d0a3bb3c-9e1b-4f0e-8d0c-0f5e2f6f3a11";
const HEX = "d0a3bb3c9e1b4f0e8d0c0f5e2f6f3a11";

describe("names of sequential znodes", () => {
  test.each([
    ["lock-0000000007", "lock-", 7],
    ["_c_x-lock-2147483647", "lock-", 2147483647],
    ["lock--2147483648", "lock-", -2147483648],
    ["lock--000000005", "lock-", -5],
    ["x__lock__-2147483648", "__lock__", -2147483648],
    ["x__lock__0000000012", "__lock__", 12],
  ])("%s has the number that the server has written", (name, marker, sequence) => {
    expect(parseSequentialName(name, marker)?.sequence).toBe(sequence);
  });

  test.each([["lock-"], ["lock-123"], ["lock-000000000x"], ["lock-9999999999"], ["other-0000000001"], ["locks"]])(
    "%s is no contender",
    (name) => {
      expect(parseSequentialName(name, "lock-")).toBeNull();
    },
  );

  test("numbers are in the order of their age, also where the server's count has run over", () => {
    expect(compareSequences(1, 2)).toBeLessThan(0);
    expect(compareSequences(0x7fffffff, -0x80000000)).toBeLessThan(0);
    expect(compareSequences(-0x80000000, 0x7fffffff)).toBeGreaterThan(0);
    expect(compareSequences(5, 5)).toBe(0);
  });
});

describe("contenders", () => {
  test("each library's names are made and recognised", () => {
    expect(contenderPrefix("curator", "mutex", UUID)).toBe(`_c_${UUID}-lock-`);
    expect(contenderPrefix("curator", "read", UUID)).toBe(`_c_${UUID}-__READ__`);
    expect(contenderPrefix("curator", "write", UUID)).toBe(`_c_${UUID}-__WRIT__`);
    expect(contenderPrefix("kazoo", "mutex", UUID)).toBe(`${HEX}__lock__`);
    expect(contenderPrefix("kazoo", "read", UUID)).toBe(`${HEX}__rlock__`);
    expect(contenderPrefix("go", "mutex", UUID)).toBe(`_c_${HEX}-lock-`);
    const names = (["curator", "kazoo", "go"] as const).map(
      (naming, i) => `${contenderPrefix(naming, "write", UUID)}000000000${i}`,
    );
    expect(contendersOf(names, LOCK_MARKERS).map(({ kind }) => kind)).toEqual(["exclusive", "exclusive", "exclusive"]);
  });

  test("an exclusive contender waits for the one just before it, whichever library's that is", () => {
    const children = [
      "z__lock__0000000003",
      "_c_a-lock-0000000002",
      "lock-0000000001",
      "leases",
      "_c_q-latch-0000000000",
    ];
    expect(turnOf(children, "lock-0000000001", LOCK_MARKERS)).toEqual({ state: "holds" });
    expect(turnOf(children, "_c_a-lock-0000000002", LOCK_MARKERS)).toEqual({
      state: "waits",
      behind: "lock-0000000001",
    });
    expect(turnOf(children, "z__lock__0000000003", LOCK_MARKERS)).toEqual({
      state: "waits",
      behind: "_c_a-lock-0000000002",
    });
    expect(turnOf(children, "lock-0000000009", LOCK_MARKERS)).toEqual({ state: "gone" });
  });

  test("readers hold together until a writer has asked, and wait for the last writer before them", () => {
    const children = [
      "a-__READ__0000000001",
      "b__rlock__0000000002",
      "c-__WRIT__0000000003",
      "d-__WRIT__0000000004",
      "e-__READ__0000000005",
    ];
    const turn = (i: number) => turnOf(children, children[i]!, LOCK_MARKERS);
    expect([turn(0), turn(1)]).toEqual([{ state: "holds" }, { state: "holds" }]);
    expect(turn(2)).toEqual({ state: "waits", behind: children[1] });
    expect(turn(3)).toEqual({ state: "waits", behind: children[2] });
    expect(turn(4)).toEqual({ state: "waits", behind: children[3] });
    const { holders, waiters } = holdersAndWaiters(contendersOf(children, LOCK_MARKERS));
    expect([holders.length, waiters.length]).toEqual([2, 3]);
  });

  test("whoever watches whom, the holder's end reaches everybody, and at most one exclusive contender holds", () => {
    const contender = fc.record({ kind: fc.constantFrom("-lock-", "__rlock__", "-__READ__"), sequence: fc.nat(50) });
    fc.assert(
      fc.property(
        fc.uniqueArray(contender, { selector: ({ sequence }) => sequence, minLength: 1, maxLength: 8 }),
        (list) => {
          let names = list.map(({ kind, sequence }, i) => `c${i}${kind}${String(sequence).padStart(10, "0")}`);
          while (names.length > 0) {
            const turns = names.map((name) => ({ name, turn: turnOf(names, name, LOCK_MARKERS) }));
            const holders = turns.filter(({ turn }) => turn.state === "holds").map(({ name }) => name);
            expect(holders.length).toBeGreaterThan(0);
            const exclusive = holders.filter((name) => name.includes("-lock-"));
            if (exclusive.length > 0) expect(holders).toHaveLength(1);
            for (const { name, turn } of turns) {
              if (turn.state !== "waits") continue;
              const number = (text: string) => Number(text.slice(-10));
              expect(number(turn.behind)).toBeLessThan(number(name));
            }
            names = names.filter((name) => name !== holders[0]);
          }
        },
      ),
    );
  });
});

describe("queues", () => {
  test("an item has the bytes that Curator's ItemSerializer writes", () => {
    const bytes = encodeItem([Uint8Array.of(0x61, 0x62), new Uint8Array()]);
    expect(Buffer.from(bytes).toString("hex")).toBe("00010001" + "01000000026162" + "0100000000" + "02");
    expect(decodeItem(bytes)).toEqual([Uint8Array.of(0x61, 0x62), new Uint8Array()]);
  });

  test("entries come back as they were, and no bytes whatever make decoding fail otherwise than by null", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }), (entries) => {
        expect(decodeItem(encodeItem(entries))).toEqual(entries);
      }),
    );
    const start = fc.constantFrom<number[]>([], [0, 1, 0, 1], [0, 1, 0, 1, 1, 0, 0, 0, 1], [0, 1, 0, 1, 1, 255]);
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 20 }), (head, tail) => {
        const entries = decodeItem(Uint8Array.from([...head, ...tail]));
        expect(entries === null || Array.isArray(entries)).toBe(true);
      }),
    );
  });

  test("names sort by priority, carry due times and ids", () => {
    expect(priorityPrefix(1)).toBe("queue-100000001");
    expect(priorityPrefix(-1)).toBe("queue-0FFFFFFFF");
    expect(priorityPrefix(-2) < priorityPrefix(-1) && priorityPrefix(-1) < priorityPrefix(0)).toBe(true);
    expect(delayPrefix(1_700_000_000_000)).toBe("queue-|18BCFE56800|");
    expect(dueMsOf("queue-|18BCFE56800|0000000001")).toBe(1_700_000_000_000);
    expect(dueMsOf("queue-0000000001")).toBe(0);
    expect(idPrefix("a/b|c")).toBe("queue-|a_b_c|");
    expect(idOf("queue-|a_b_c|0000000003")).toEqual({ id: "a_b_c", rest: "queue-0000000003" });
    expect(kazooEntryPrefix(7)).toBe("entry-007-");
    expect(() => kazooEntryPrefix(1000)).toThrow(RangeError);
    expect(() => priorityPrefix(0.5)).toThrow(RangeError);
    expect(() => delayPrefix(0)).toThrow(RangeError);
  });
});

describe("numbers", () => {
  test("have the bytes of Curator and kazoo, and never run over", () => {
    expect([...encodeNumber(-2n, "int32")]).toEqual([255, 255, 255, 254]);
    expect([...encodeNumber(258n, "int64")]).toEqual([0, 0, 0, 0, 0, 0, 1, 2]);
    expect(new TextDecoder().decode(encodeNumber(-12n, "decimal"))).toBe("-12");
    expect(() => encodeNumber(2n ** 31n, "int32")).toThrow(RangeError);
    expect(decodeNumber(Uint8Array.of(1, 2, 3), "int32")).toBeNull();
    expect(decodeNumber(new TextEncoder().encode("1x"), "decimal")).toBeNull();
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (value) => {
        expect(decodeNumber(encodeNumber(value, "int64"), "int64")).toBe(value);
        expect(decodeNumber(encodeNumber(value, "decimal"), "decimal")).toBe(value);
      }),
    );
  });
});

describe("paths", () => {
  test("are put together and taken apart, at the root too", () => {
    expect([childPath("/", "a"), childPath("/a", "b")]).toEqual(["/a", "/a/b"]);
    expect([parentPath("/a"), parentPath("/a/b")]).toEqual(["/", "/a"]);
    expect(nodeName("/a/b")).toBe("b");
    expect([isAtOrBelow("/ab", "/a"), isAtOrBelow("/a/b", "/a"), isAtOrBelow("/a", "/")]).toEqual([false, true, true]);
    for (const path of ["", "a", "/a/", "//a", "/a/../b"]) expect(() => checkPath(path)).toThrow(RangeError);
  });
});

describe("double barrier", () => {
  test("all but the lowest leave and wait for it; the lowest waits for the highest until it is alone", () => {
    expect(leaveStep(["ready", "a", "b", "c"], "a")).toEqual({ step: "wait", member: "c", deleteOwn: false });
    expect(leaveStep(["ready", "a", "b", "c"], "b")).toEqual({ step: "wait", member: "a", deleteOwn: true });
    expect(leaveStep(["ready", "a"], "b")).toEqual({ step: "wait", member: "a", deleteOwn: false });
    expect(leaveStep(["ready", "a"], "a")).toEqual({ step: "done", deleteOwn: true });
    expect(leaveStep(["ready"], "a")).toEqual({ step: "done", deleteOwn: false });
  });
});

describe("service discovery", () => {
  test("an instance has the JSON of curator-x-discovery, field by field and in its order", () => {
    const uriSpec = parseUriSpec("{scheme}://{address}:{port}");
    const init = {
      name: "api",
      address: "10.0.0.1",
      port: 8080,
      payload: { "@class": "com.example.Details", k: "v" },
      uriSpec,
    };
    const instance = serviceInstance(init, UUID, 1_700_000_000_000);
    expect(new TextDecoder().decode(encodeInstance(instance))).toBe(
      `{"name":"api","id":"${UUID}","address":"10.0.0.1","port":8080,"sslPort":null,` +
        `"payload":{"@class":"com.example.Details","k":"v"},"registrationTimeUTC":1700000000000,"serviceType":"DYNAMIC",` +
        `"uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false},` +
        `{"value":"address","variable":true},{"value":":","variable":false},{"value":"port","variable":true}]}}`,
    );
    expect(decodeInstance(encodeInstance(instance))).toEqual(instance);
    expect(decodeInstance(encodeInstance({ ...instance, enabled: false }))?.enabled).toBe(false);
    expect(buildUri(uriSpec, instance)).toBe("http://10.0.0.1:8080");
    expect(buildUri(uriSpec, { ...instance, sslPort: 1 }, { port: 9 })).toBe("https://10.0.0.1:9");
    expect(decodeInstance(new TextEncoder().encode("[1"))).toBeNull();
    expect(decodeInstance(new TextEncoder().encode('{"name":1}'))).toBeNull();
    expect(decodeInstance(new TextEncoder().encode('{"name":"a","id":"b","new":1}'))?.serviceType).toBe("DYNAMIC");
  });

  test("patterns whose braces do not match are refused", () => {
    for (const pattern of ["{a", "a}", "{a{b}}"]) expect(() => parseUriSpec(pattern)).toThrow(RangeError);
    expect(buildUri(parseUriSpec("{[}{ x }{]}"), null, { x: 1 })).toBe("{1}");
  });

  test("strategies go round, choose at random, or stay", () => {
    const instances = ["a", "b", "c"].map((id) => serviceInstance({ name: "s", id }, id, 0));
    const ids = (choose: ReturnType<typeof roundRobin>, count: number) =>
      Array.from({ length: count }, () => choose(instances)?.id).join("");
    expect(ids(roundRobin(), 5)).toBe("abcab");
    expect(
      ids(
        randomly(() => 0.99),
        2,
      ),
    ).toBe("cc");
    const stay = sticky(roundRobin());
    expect(ids(stay, 3)).toBe("aaa");
    expect(stay(instances.slice(1))?.id).toBe("c");
    expect(roundRobin()([])).toBeNull();
  });

  test("an instance with enough errors is down until they are forgotten", () => {
    const down = new DownInstances({ timeoutMs: 1000, errorThreshold: 2 });
    down.note("a", 0);
    expect(down.isDown("a", 10)).toBe(false);
    down.note("a", 500);
    expect(down.isDown("a", 999)).toBe(true);
    expect(down.isDown("a", 1000)).toBe(false);
  });
});
