import { defineCommand } from '../command.ts';
import { escapeControls } from '../output/escape.ts';
import { formatBytes, formatTable } from '../output/format.ts';

export const top = defineCommand({
  name: 'top',
  summary: 'list the processes of a container',
  description: `PID and UID are as the host numbers them, NSPID as the container does. Options of ps(1) after CONTAINER choose other
columns, PID among them.`,
  options: {},
  operands: { usage: 'CONTAINER [PS-OPTION...]', min: 1, max: Infinity, endOptions: true },
  examples: [
    { line: 'box top web', what: 'what runs in it' },
    { line: 'box top web -o pid,etime,args', what: 'as ps prints it' },
  ],
  async run({ operands: [container = '', ...psOptions], global, openBox, write, signal }) {
    const box = await openBox();
    if (psOptions.length > 0) {
      const table = await box.containers.processTable(container, psOptions, { signal });
      write(escapeControls(table, { keepNewlines: true }));
      return 0;
    }
    const processes = await box.containers.top(container);
    if (global.json) {
      write(`${JSON.stringify(processes, undefined, 2)}\n`);
      return 0;
    }
    const rows = processes.map(({ uid, pid, containerPid, parentPid, state, cpuTime, memory, command }) => [
      ...[uid, pid, containerPid, parentPid].map(String),
      state,
      `${(cpuTime / 1000).toFixed(2)} s`,
      formatBytes(memory),
      escapeControls(command),
    ]);
    write(formatTable(['UID', 'PID', 'NSPID', 'PPID', 'STATE', 'CPU TIME', 'MEMORY', 'COMMAND'], rows));
    return 0;
  },
});
