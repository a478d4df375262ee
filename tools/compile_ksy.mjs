// Compiles spec/packfile.ksy with the Kaitai Struct compiler.
//
// Standard input:  {"languages": [...], "main": "packfile", "specs": {name: parsed YAML, ...}}
// Standard output: {"output": {language: {file name: text, ...}, ...}} or {"problems": [text, ...]}
// Anything that goes wrong, and anything that the compiler prints, fails the run.
import KaitaiStructCompiler from "kaitai-struct-compiler";
import { readFileSync } from "node:fs";

const request = JSON.parse(readFileSync(0, "utf8"));
const write = process.stdout.write.bind(process.stdout);
const printed = [];
const keep = (chunk) => {
  printed.push(String(chunk));
  return true;
};
process.stdout.write = keep;
process.stderr.write = keep;

const importer = {
  importYaml: (name) =>
    name in request.specs ? Promise.resolve(request.specs[name]) : Promise.reject(new Error(`no such import: ${name}`)),
};

const output = {};
const problems = [];
for (const language of request.languages) {
  try {
    const files = await KaitaiStructCompiler.compile(language, request.specs[request.main], importer, false);
    // Some back ends put a slash before the name of a file without a package.
    output[language] = Object.fromEntries(Object.entries(files).map(([name, text]) => [name.replace(/^\//, ""), text]));
  } catch (error) {
    problems.push(`${language}: ${String(error)}`);
  }
  for (const text of printed.splice(0)) problems.push(`${language}: printed: ${text}`);
}

if (problems.length > 0) {
  process.exitCode = 1;
  write(JSON.stringify({ problems }));
} else {
  write(JSON.stringify({ output }));
}
