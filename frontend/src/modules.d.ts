// The CSP build of Alpine has the same face as Alpine itself.
declare module "@alpinejs/csp" {
  import Alpine from "alpinejs";
  export default Alpine;
}
