/**
 * node tools/bootstrap.mjs [--debian] [--build] [SCRIPT [ARG...]]
 *
 * Makes a fresh clone ready, with nothing but Node 20 and npm, and then runs SCRIPT with the workspace's own Node.
 * Installs only what is missing: node modules always, Debian's packages with --debian and as root. --build
 * builds the workspace. A second run takes a fraction of a second.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { debianPackages } from './debian-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const binaries = join(root, 'node_modules/.bin');
const requiredNode = 24;

const environment = {
  ...process.env,
  PATH: [binaries, ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== binaries)].join(
    delimiter,
  ),
  NX_DAEMON: 'false',
  NX_TUI: 'false',
  NX_NO_CLOUD: 'true',
};

const { debian, build, script, rest } = parse(process.argv.slice(2));
if (!nodeModulesAreCurrent()) installNodeModules();
assertNode();
if (debian) installDebianPackages();
if (build) buildWorkspace();
if (script !== undefined) process.exitCode = run(join(binaries, 'node'), [script, ...rest]);

function parse(args) {
  const options = { debian: false, build: false, script: undefined, rest: [] };
  while (args.length > 0) {
    const arg = args.shift();
    if (arg === '--debian') options.debian = true;
    else if (arg === '--build') options.build = true;
    else return { ...options, script: arg, rest: args };
  }
  return options;
}

/** Whether what npm wrote down as installed is what package-lock.json wants. Contents, not times: git sets no times. */
function nodeModulesAreCurrent() {
  const installed = readLock('node_modules/.package-lock.json');
  const wanted = readLock('package-lock.json');
  if (installed === undefined || wanted === undefined || !existsSync(join(binaries, 'node'))) return false;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.includes('node_modules/')) return true;
    const there = installed[path];
    if (there === undefined) return entry.optional === true || entry.peer === true || entry.devOptional === true;
    return there.version === entry.version && there.link === entry.link;
  });
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), 'utf8')).packages;
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * What package-lock.json pins, with its integrity checked and the file left alone. Not `npm ci`: that refuses a lock
 * which lacks packages for other systems, and a registry may not have all of those.
 */
function installNodeModules() {
  say('installing node modules');
  for (let attempt = 1; attempt <= 3; attempt++) {
    const quiet = ['--no-audit', '--no-fund', '--no-progress', '--loglevel=error'];
    const status = run('npm', ['install', '--no-save', ...quiet]);
    if (status === 0) return;
    say(`npm install ended with status ${status}${attempt < 3 ? '; trying again' : ''}`);
  }
  fail('the node modules cannot be installed: see what npm says above');
}

function assertNode() {
  const { stdout } = spawnSync(join(binaries, 'node'), ['--version'], { encoding: 'utf8' });
  const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1] ?? 0);
  if (major >= requiredNode) return;
  fail(
    `node_modules/.bin/node is ${stdout?.trim() || 'missing'}, but Node ${requiredNode} is needed: remove node_modules and try again`,
  );
}

function installDebianPackages() {
  const missing = debianPackages.filter(({ program }) => !isThere(program));
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  if (process.getuid?.() !== 0 || !isThere('apt-get')) {
    say(
      `not ${isThere('apt-get') ? 'root' : 'a Debian'}, so these cannot be installed, and tests that need them are skipped:`,
    );
    for (const { name, why } of missing) say(`  ${name}: ${why}`);
    return;
  }
  say(`installing Debian packages: ${names.join(' ')}`);
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=300', '-o', 'Acquire::Retries=3'];
  const quiet = { ...environment, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_MODE: 'a' };
  run('apt-get', [...options, 'update'], quiet);
  const status = run('apt-get', [...options, 'install', '-y', '--no-install-recommends', ...names], quiet);
  if (status === 0) return;
  // One package that this release lacks must not keep the others away.
  for (const name of names) run('apt-get', [...options, 'install', '-y', '--no-install-recommends', name], quiet);
  const still = debianPackages.filter(({ program }) => !isThere(program));
  for (const { name, why } of still) say(`could not be installed, tests that need it are skipped: ${name} (${why})`);
}

function buildWorkspace() {
  const result = spawnSync('nx', ['run-many', '-t', 'build'], {
    cwd: root,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  fail('the build failed');
}

function isThere(program) {
  if (program.startsWith('/')) return existsSync(program);
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Runs a program with nothing on its stdin; gives its exit status. The script alone keeps the terminal's. */
function run(file, args, env = environment) {
  const stdin = file.startsWith(binaries) ? 'inherit' : 'ignore';
  const result = spawnSync(file, args, { cwd: root, env, stdio: [stdin, 'inherit', 'inherit'] });
  if (result.error !== undefined) fail(`${file} cannot be started: ${result.error.message}`);
  return result.status ?? 1;
}

function say(text) {
  process.stderr.write(`bootstrap: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}
