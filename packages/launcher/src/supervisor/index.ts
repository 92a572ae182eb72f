export { askSupervisor, connectSupervisor } from './control-client.ts';
export {
  type ControlReply,
  type ControlRequest,
  type ControlServer,
  serveControl,
  type Supervised,
} from './control-server.ts';
export { encodeFrame, encodeJson, type Frame, type FrameKind, readFrames } from './frames.ts';
export type { LogEntry, LogStream } from './log-format.ts';
export { type LogWriter, type LogWriterOptions, openLogWriter } from './log-writer.ts';
export { readLog, type ReadLogOptions } from './log-reader.ts';
export { parseRestartPolicy, restartDelay, type RestartPolicy, shouldRestart } from './restart-policy.ts';
export { socketName } from './socket-path.ts';
export { signalName } from '../process-table.ts';
