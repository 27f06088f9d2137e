#!/bin/sh
# Gives damaged bytes of every record to Quoll's decoders and to ZooKeeper 3.9.5's, and fails if they read them differently.
# Needs a JDK and Maven, and a built project (npm run build). Arguments: number of inputs (400000), seed (1).
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

classpath=$(node -e '
  import("./compat-tests/dist/peers/maven.js").then(({ mavenClasspath }) =>
    console.log(mavenClasspath("jute", ["org.apache.zookeeper:zookeeper-jute:3.9.5"])));')
javac -cp "$classpath" -d "$work" compat-tests/jute/JuteReader.java
node compat-tests/jute/hostile-bytes.js make "$@" > "$work/inputs"
java -Xmx256m -cp "$work:$classpath" JuteReader < "$work/inputs" > "$work/java"
node compat-tests/jute/hostile-bytes.js compare "$work/inputs" "$work/java"
