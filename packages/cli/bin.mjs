#!/usr/bin/env node
import process from "node:process"
import { version } from "./dist/version.js"

// The parser of the command line takes half a second to load, and the version needs none of it.
if (process.argv[2] === "--version") process.stdout.write(`${version}\n`)
else (await import("./dist/cli.js")).run(process.argv)
