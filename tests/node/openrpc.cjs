// The OpenRPC project's own schema of OpenRPC documents, as JSON.
console.log(JSON.stringify(require("@open-rpc/meta-schema").openrpcDocument));
