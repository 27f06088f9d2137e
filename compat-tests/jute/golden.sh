#!/bin/sh
# Compares Quoll's records with the Java classes of ZooKeeper 3.9.5, and writes the golden bytes of jute/wire's tests.
# Needs a JDK and Maven, and a built project (npm run build). With --check nothing is written, and stale files fail.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

classpath=$(node -e '
  import("./compat-tests/dist/peers/maven.js").then(({ mavenClasspath }) =>
    console.log(mavenClasspath("jute", ["org.apache.zookeeper:zookeeper-jute:3.9.5"])));')
node compat-tests/jute/list-records.js > "$work/records"
javac -cp "$classpath" -d "$work" compat-tests/jute/JuteGolden.java
mkdir "$work/golden"
java -Xmx256m -Dfile.encoding=UTF-8 -cp "$work:$classpath" JuteGolden "$work/records" "$work/golden"

golden=jute/wire/test/golden
if [ "${1:-}" = --check ]; then
  diff -r "$work/golden" "$golden"
else
  mkdir -p "$golden"
  cp "$work"/golden/* "$golden"
fi
