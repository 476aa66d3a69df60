// A guest under QEMU, without KVM: one of Debian's kernels, and in its initial RAM disk busybox, the collector and what
// else a test wants to run. The guest's console is read; sections of it begin with a line "@@NAME".

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { fakeCuda, root, workloads } from '../lib/programs.ts';

const kernels = join(root, 'out', 'kernels');

export type Machine = 'amd64' | 'arm64';

interface Hardware {
  readonly qemu: string;
  readonly options: readonly string[];
  readonly console: string;
  readonly collector: string;
}

const hardware: Readonly<Record<Machine, Hardware>> = {
  amd64: {
    qemu: 'qemu-system-x86_64',
    options: ['-cpu', 'max'],
    console: 'ttyS0',
    collector: 'linux-x64',
  },
  arm64: {
    qemu: 'qemu-system-aarch64',
    options: ['-machine', 'virt', '-cpu', 'max,pauth-impdef=on'],
    console: 'ttyAMA0',
    collector: 'linux-arm64',
  },
};

export const collectorOf = (machine: Machine): string =>
  join(root, 'dist', 'collector', hardware[machine].collector, 'wakechain-collector');

/** Mounts what a host has, says the kernel's name, and runs the test's own script. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin LD_LIBRARY_PATH=/w
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tracefs tracefs /sys/kernel/tracing
mount -t cgroup2 cgroup /sys/fs/cgroup
cd /w
echo "@@kernel"
uname -r
sh ./script
echo "@@end"
poweroff -f
`;

/** What the guest said, by section. */
export class Said {
  readonly #sections: ReadonlyMap<string, string>;
  readonly all: string;

  constructor(console: string) {
    this.all = console.replaceAll('\r', '');
    const sections = this.all.split(/^.*@@(?=\w)/m).slice(1);
    this.#sections = new Map(
      sections.map(section => {
        const end = section.indexOf('\n');
        return [section.slice(0, end), section.slice(end + 1)];
      }),
    );
  }

  section(name: string): string {
    const found = this.#sections.get(name);
    if (found === undefined)
      throw new Error(`the guest said no ${name}; its last words:\n${this.all.slice(-3000)}`);
    return found;
  }

  /** The JSON objects among a section's lines. */
  objects(name: string): Readonly<Record<string, unknown>>[] {
    return this.section(name)
      .split('\n')
      .filter(line => line.startsWith('{'))
      .map(line => JSON.parse(line) as Readonly<Record<string, unknown>>);
  }

  /** A file that the script sent by `gzip -c FILE | base64`. */
  file(name: string): Buffer {
    return gunzipSync(Buffer.from(this.section(name).replaceAll('\n', ''), 'base64'));
  }
}

/** Boots the kernel of `name` (see setup.mjs) and runs `script` in /w, beside the collector and, on amd64, the workload. */
export async function boot(name: string, machine: Machine, script: string, folder: string): Promise<Said> {
  const { qemu, options, console } = hardware[machine];
  const disk = join(folder, 'initrd.gz');
  pack(machine, script, folder, disk);
  const images = join(kernels, name, 'boot');
  const image = readdirSync(images).find(file => file.startsWith('vmlinuz'));
  if (image === undefined) throw new Error(`no kernel lies in ${images}`);
  const guest = spawn(
    qemu,
    [
      ...options,
      ...['-accel', 'tcg', '-m', '1024', '-smp', '2', '-nographic', '-no-reboot', '-nic', 'none'],
      ...['-kernel', join(images, image), '-initrd', disk],
      ...['-append', `console=${console} quiet loglevel=3 panic=-1`],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], timeout: BOOT_TIMEOUT_MS, killSignal: 'SIGKILL' },
  );
  let words = '';
  for (const stream of [guest.stdout, guest.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      words += text;
    });
  await new Promise((resolve, reject) => {
    guest.once('error', reject).once('close', resolve);
  });
  return new Said(words);
}

/** A boot takes some 12 s on amd64 where the host is quiet, and a multiple of that on arm64. */
const BOOT_TIMEOUT_MS = 240_000;

function pack(machine: Machine, script: string, folder: string, to: string): void {
  const disk = join(folder, 'disk');
  const put = (from: string, path: string) => {
    mkdirSync(dirname(join(disk, path)), { recursive: true });
    copyFileSync(from, join(disk, path));
  };
  for (const name of ['proc', 'sys', 'dev', 'tmp', 'run', 'w'])
    mkdirSync(join(disk, name), { recursive: true });
  const busybox = join(kernels, `busybox-${machine}`);
  put(join(busybox, 'bin', 'busybox'), 'bin/busybox');
  put(collectorOf(machine), 'w/wakechain-collector');
  if (machine === 'amd64') {
    const workload = join(workloads, 'flood');
    put(workload, 'w/flood');
    for (const library of readdirSync(fakeCuda).filter(file => /\.so(\.\d+)?$/.test(file)))
      put(join(fakeCuda, library), `w/${library}`);
    for (const library of librariesOf(workload)) put(library, library);
  }
  writeFileSync(join(disk, 'w', 'script'), script);
  writeFileSync(join(disk, 'init'), init);
  chmodSync(join(disk, 'init'), 0o755);
  const names = execFileSync('find', ['.'], { cwd: disk });
  const archive = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], {
    cwd: disk,
    input: names,
    maxBuffer: 1 << 28,
  });
  writeFileSync(to, execFileSync('gzip', ['-1', '-c'], { input: archive, maxBuffer: 1 << 28 }));
}

/** This machine's own C library and loader, which a workload that was built here needs. */
function librariesOf(program: string): string[] {
  const environment = { ...process.env, LD_LIBRARY_PATH: fakeCuda };
  const said = execFileSync('ldd', [program, join(fakeCuda, 'libfakecuda.so')], {
    env: environment,
    encoding: 'utf8',
  });
  const paths = [...said.matchAll(/(?:=> |^\s+)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
  return [...new Set(paths)].filter(path => !path.startsWith(fakeCuda) && statSync(path).isFile());
}
