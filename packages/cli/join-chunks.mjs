import { transform } from 'esbuild';

/**
 * Makes one CommonJS file of what esbuild splits into ESM chunks. Takes esbuild's output files, of which the entry's is named
 * `main.js`; returns the text. Each chunk is a function that runs when it is first asked for: in esbuild's own CommonJS
 * bundle every function of every module is made when the file is loaded, wanted or not.
 */
export async function joinChunks(outputFiles) {
  const names = outputFiles.map(({ path }) => `./${path.slice(path.lastIndexOf('/') + 1)}`);
  const bodies = await Promise.all(outputFiles.map(async ({ text }) => asFunctionBody(text, names)));
  const chunks = names.map((name, at) => `${JSON.stringify(name)}(exports,require,module){${bodies[at]}}`);
  return `const chunks={\n${chunks.join(',\n')}\n};\n${loader}`;
}

/**
 * What is no chunk is one of Node's modules, or a file beside this one. esbuild exports by getters, two for each name; what has
 * run exports values, since no module of ours or of the libraries in the bundle changes an export later.
 */
const loader = `const started=new Map();
function load(name){
let module=started.get(name);
if(module!==undefined)return module.exports;
const chunk=chunks[name];
if(chunk===undefined)return require(name);
started.set(name,module={exports:{}});
chunk(module.exports,load,module);
return module.exports={...module.exports};
}
module.exports=load("./main.js");
`;

/** An import() of another chunk asks for that chunk; every other one, as of a plugin, stays what it is. */
async function asFunctionBody(text, names) {
  const { code } = await transform(text, {
    format: 'cjs',
    target: 'node22.15',
    minifyWhitespace: true,
    minifySyntax: true,
    charset: 'ascii',
  });
  const joined = code.replaceAll(/\bimport\("(\.\/[^"]+)"\)/g, (whole, name) =>
    names.includes(name) ? `Promise.resolve().then(()=>require("${name}"))` : whole,
  );
  const missed = /\bimport\(.\.\/chunk-/.exec(joined);
  if (missed !== null) throw new Error(`an import() of a chunk would not find it: ${missed[0]}`);
  return joined.trimEnd();
}
