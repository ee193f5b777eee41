// What esbuild makes of imports that TypeScript doesn't know.
declare module '*.graphql' {
  const text: string;
  export default text;
}
declare module '*.css';
