import { describe, expect, it } from "vitest";
import { CONFIG_TEXT_MAX, MembershipError, membershipOf, parseConfigText } from "../../src/core/index.js";
import { randomInts } from "../election/world.js";

/** What went into and came out of Java's QuorumPeerConfig.parseDynamicConfig and QuorumVerifier.toString. */
const FROM_JAVA: ReadonlyArray<readonly [name: string, given: string, text: string]> = [
  [
    "roles and client addresses are written out",
    `server.1=127.0.0.1:2888:3888
server.2=127.0.0.2:2888:3888:participant;2181
server.3=127.0.0.3:2888:3888:observer;127.0.0.3:2181
version=100000000`,
    `server.1=127.0.0.1:2888:3888:participant
server.2=127.0.0.2:2888:3888:participant;0.0.0.0:2181
server.3=127.0.0.3:2888:3888:observer;127.0.0.3:2181
version=100000000`,
  ],
  [
    "IPv6 addresses are written in full, and mapped IPv4 addresses as IPv4",
    `server.1=[::1]:2888:3888:participant;[2001:DB8::ff00:42:8329]:2181
server.2=[::ffff:10.0.0.1]:2888:3888
server.3=127.0.0.1:2888:3888`,
    `server.1=[0:0:0:0:0:0:0:1]:2888:3888:participant;[2001:db8:0:0:0:ff00:42:8329]:2181
server.2=10.0.0.1:2888:3888:participant
server.3=127.0.0.1:2888:3888:participant
version=0`,
  ],
  [
    "several addresses are sorted as text",
    `server.1=127.0.0.9:2888:3888|127.0.0.1:2889:3889|127.0.0.10:2890:3890:observer;2181
server.2=127.0.0.1:1:2
server.3=127.0.0.1:5:6`,
    `server.1=127.0.0.1:2889:3889|127.0.0.10:2890:3890|127.0.0.9:2888:3888:observer;0.0.0.0:2181
server.2=127.0.0.1:1:2:participant
server.3=127.0.0.1:5:6:participant
version=0`,
  ],
  [
    "servers, groups and weights are in the order of a hash map",
    `server.1=127.0.0.1:1:2
server.2=127.0.0.1:3:4
server.3=127.0.0.1:5:6
server.4=127.0.0.1:7:8
server.5=127.0.0.1:11:12
server.30=127.0.0.1:13:14:observer
group.2=1:3
group.1=5:2:4
weight.1=3
weight.4=0
version=ab`,
    `server.1=127.0.0.1:1:2:participant
server.2=127.0.0.1:3:4:participant
server.3=127.0.0.1:5:6:participant
server.4=127.0.0.1:7:8:participant
server.5=127.0.0.1:11:12:participant
server.30=127.0.0.1:13:14:observer
group.1=2:4:5
group.2=1:3
weight.1=3
weight.2=1
weight.3=1
weight.4=0
weight.5=1
version=ab`,
  ],
  [
    "the last of two lines for a server counts",
    `server.1=127.0.0.1:1:2
server.1=127.0.0.1:3:4
server.2=127.0.0.1:3:4`,
    `server.1=127.0.0.1:3:4:participant
server.2=127.0.0.1:3:4:participant
version=0`,
  ],
  [
    "an empty client address is none",
    `server.1=127.0.0.1:1:2;;
server.2=127.0.0.1:1:2`,
    `server.1=127.0.0.1:1:2:participant
server.2=127.0.0.1:1:2:participant
version=0`,
  ],
];

describe("the text of a configuration", () => {
  it.each(FROM_JAVA)("is read and written as Java does: %s", (_, given, text) => {
    expect(parseConfigText(given, true).toText()).toBe(text);
  });

  it.each(FROM_JAVA)("is the same after another turn: %s", (_, given) => {
    const verifier = parseConfigText(given, true);
    const again = parseConfigText(verifier.toText(), true);
    expect(again.toText()).toBe(verifier.toText());
    expect(again.sameMembers(verifier)).toBe(true);
    expect(again.version).toBe(verifier.version);
  });

  it("may have comments, blanks and quoted colons, as properties files do", () => {
    const verifier = parseConfigText(
      "# a comment\r\n\n! another\n server.1 = one\\:1\\:2\nserver.2:two:3:4:OBSERVER\nserver.3 three:5:6\nversion=0A",
      false,
    );
    expect(verifier.toText()).toBe(
      "server.1=one:1:2:participant\nserver.2=two:3:4:observer\nserver.3=three:5:6:participant\nversion=a",
    );
  });

  it.each([
    ["server.1=127.0.0.1:1:1", "line 1: server.1 must have different quorum and election ports"],
    ["server.1=127.0.0.1:1", "line 1: server.1 must have the form host:quorumPort:electionPort"],
    ["server.1=127.0.0.1:1:2:participant:x", "must have the form"],
    ["server.1=127.0.0.1:1:2;1;2", "must have the form"],
    ["server.1=127.0.0.1:1:2;127.0.0.1:5:6", "must have the form"],
    ["server.1=127.0.0.1:1:2:king", "must be a participant or an observer"],
    ["server.1=127.0.0.1:70000:2", "must have ports from 0 to 65535"],
    ["server.1=127.0.0.1:x:2", "must have ports that are whole numbers"],
    ["server.1=[::1:1:2", "must close the bracket"],
    ["server.1=a:1:2|b:3:4", "has several addresses, but multiAddress.enabled is not true"],
    ["\nserver.x=127.0.0.1:1:2", "line 2: server.x must be named server.N"],
    ["server.-3=127.0.0.1:1:2", "must be named server.N"],
    ["nonsense=1", "line 1: nonsense is not a line of a configuration"],
    ["server.1=127.0.0.1:1:2\ngroup.1=1:2", "group.1 has 2, which is no voting server"],
    ["weight.1=1\nserver.1=127.0.0.1:1:2", "server.1 is in no group"],
    ["server.1=a:1:2\nserver.2=a:3:4\ngroup.1=1:2\ngroup.2=2", "has 2, which is in another group"],
    ["server.1=127.0.0.1:1:2:observer", "the configuration has no participant"],
    ["server.1=127.0.0.1:1:2\nversion=-1", "version must be a hex number below 2^53"],
    ["server.1=127.0.0.1:1:2\nversion=ffffffffffffff", "version must be a hex number below 2^53"],
    [`server.1=${"x".repeat(CONFIG_TEXT_MAX)}`, "at most 524288 are read"],
    [
      Array.from({ length: 1025 }, (_, i) => `server.${i}=a:1:2`).join("\n"),
      "line 1025: server.1024 is one server too many",
    ],
  ])("is refused with the line and the reason: %s", (text, message) => {
    const read = () => parseConfigText(text, false);
    expect(read).toThrow(MembershipError);
    expect(read).toThrow(message);
  });

  it("never makes anything but a configuration or a MembershipError, whatever it is", () => {
    const random = randomInts(11);
    const parts = [
      "server.",
      "group.",
      "weight.",
      "version",
      "=",
      ":",
      ";",
      "|",
      "[",
      "]",
      "\\",
      "\n",
      "1",
      "2",
      "observer",
    ];
    for (let i = 0; i < 30_000; i++) {
      let text = random(2) === 0 ? "server.1=a:1:2\n" : "";
      for (let n = random(12); n >= 0; n--) {
        text += random(8) === 0 ? String.fromCharCode(random(0x300)) : parts[random(parts.length)];
      }
      try {
        const verifier = parseConfigText(text, true);
        expect(verifier.votingMembers.size).toBeGreaterThan(0);
        verifier.toText();
      } catch (error) {
        if (!(error instanceof MembershipError)) throw new Error(`${JSON.stringify(text)}: ${error}`);
      }
    }
  });
});

describe("the configuration of a zoo.cfg", () => {
  it("becomes the same members", () => {
    const verifier = membershipOf({
      version: 5,
      members: [
        {
          id: 1,
          addresses: [{ host: "one", quorumPort: 2888, electionPort: 3888 }],
          type: "participant",
          clientAddress: null,
        },
        {
          id: 2,
          addresses: [
            { host: "two", quorumPort: 2888, electionPort: 3888 },
            { host: "dos", quorumPort: 2889, electionPort: 3889 },
          ],
          type: "observer",
          clientAddress: { host: "0.0.0.0", port: 2181 },
        },
      ],
      groups: new Map(),
      weights: new Map(),
    });
    expect(verifier.toText()).toBe(
      "server.1=one:2888:3888:participant\nserver.2=dos:2889:3889|two:2888:3888:observer;0.0.0.0:2181\nversion=5",
    );
    expect(verifier.members.get(2)!.electionAddresses).toEqual([
      { host: "two", port: 3888 },
      { host: "dos", port: 3889 },
    ]);
  });
});
