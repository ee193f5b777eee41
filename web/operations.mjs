// Types of what the client's operations answer, out of schema/schema.graphql; and every document of the pages held to
// it. A change of the schema that the operations don't bear breaks the build here, one that they do changes the types.
import { readFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import {
  buildSchema, getNamedType, getNullableType, isEnumType, isListType, isNonNullType, isObjectType, parse,
  stripIgnoredCharacters, validate,
} from 'graphql';

/** Scalars that JSON writes as something else than a string. */
const SCALARS = { Boolean: 'boolean', Float: 'number', Int: 'number', JSON: 'unknown' };

/** @returns the TypeScript source of the types of all documents in `folder` */
export async function operationTypes(schemaFile, folder) {
  const schema = buildSchema(await readFile(schemaFile, 'utf8'));
  const enums = new Map();
  const types = [];
  for (const file of await documentsIn(folder)) {
    for (const operation of checked(schema, await readFile(file, 'utf8'), file).definitions) {
      const root = schema.getRootType(operation.operation);
      const suffix = operation.operation.replace(/^./, (letter) => letter.toUpperCase());
      types.push(`export interface ${operation.name.value}${suffix} ${shape(root, operation.selectionSet, enums, '')}\n`);
    }
  }
  const names = [...enums].sort().map(([name, values]) => `export type ${name} =\n${values}\n`);
  return ['// Made by `npm run build` from schema/schema.graphql and the operations beside this file.\n', ...names, ...types].join('\n');
}

/** Hold documents that have no types to the schema all the same. */
export async function checkDocuments(schemaFile, folder) {
  const schema = buildSchema(await readFile(schemaFile, 'utf8'));
  for (const file of await documentsIn(folder)) checked(schema, await readFile(file, 'utf8'), file);
}

/** An esbuild plugin: documents without the white space that only people need. */
export const terseDocuments = {
  name: 'terse-documents',
  setup({ onLoad }) {
    onLoad({ filter: /\.graphql$/ }, async ({ path: file }) => ({
      contents: stripIgnoredCharacters(await readFile(file, 'utf8')),
      loader: 'text',
    }));
  },
};

async function documentsIn(folder) {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => name.endsWith('.graphql')).sort().map((name) => path.join(folder, name));
}

function checked(schema, text, file) {
  const document = parse(text);
  const errors = validate(schema, document);
  if (errors.length > 0) throw new Error(`${file}\n${errors.join('\n\n')}`);
  return document;
}

function shape(type, { selections }, enums, indent) {
  const inner = `${indent}  `;
  const lines = selections.map((field) => {
    if (field.kind !== 'Field') throw new Error(`Only fields are understood here, not ${field.kind}`);
    const declared = type.getFields()[field.name.value].type;
    const note = comment(type.getFields()[field.name.value].description, inner);
    return `${note}${inner}${(field.alias ?? field.name).value}: ${written(declared, field.selectionSet, enums, inner)};`;
  });
  return ['{', ...lines, `${indent}}`].join('\n');
}

function written(type, selectionSet, enums, indent) {
  const inner = getNullableType(type);
  const nullable = isNonNullType(type) ? '' : ' | null';
  if (isListType(inner)) {
    const item = written(inner.ofType, selectionSet, enums, indent);
    return `readonly ${/ \| null$/.test(item) ? `(${item})` : item}[]${nullable}`;
  }
  const named = getNamedType(inner);
  if (isObjectType(named)) return shape(named, selectionSet, enums, indent) + nullable;
  if (!isEnumType(named)) return (SCALARS[named.name] ?? 'string') + nullable;
  enums.set(named.name, `${named.getValues().map(({ name }) => `  | '${name}'`).join('\n')};`);
  return named.name + nullable;
}

function comment(description, indent) {
  return description ? `${indent}/** ${description.trim().replace(/\s+/g, ' ')} */\n` : '';
}
