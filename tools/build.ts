/** Compiles src to dist. Published are both: dist runs, src is what the source maps show. */
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { readManifest } from './exports.ts'

rmSync('dist', { recursive: true, force: true })
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (status === 0) for (const command of Object.values(readManifest('.').bin ?? {})) chmodSync(command, 0o755)
process.exitCode = status ?? 1
