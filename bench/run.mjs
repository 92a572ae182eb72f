/** npm run bench -- pull|unpack|run|extract [--rounds N] [--image NAME] [--on disk|tmpfs] */
await import('./src/main.ts');
