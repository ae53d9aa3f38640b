#!/usr/bin/env node
import process from "node:process"
import { run } from "./dist/served/cli.js"

run(process.argv)
