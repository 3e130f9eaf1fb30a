// A certified provider (npm: oidc-provider) on loopback. Its one argument is JSON: {port, clients, accounts}.
// Whoever names an account is signed in as it; PUT /accounts/NAME changes what is told of one.
import http from "node:http";
import Provider from "oidc-provider";

const { port, clients, accounts } = JSON.parse(process.argv[2]);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients,
  findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, ...accounts[sub].claims }) }),
  claims: {
    openid: ["sub", "amr", "acr"],
    profile: ["preferred_username", "given_name", "family_name", "groups"],
    email: ["email", "email_verified"],
  },
  acrValues: ["urn:example:mfa"],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  cookies: { keys: ["of-a-test"] },
  // No page asks for consent: whoever signs in has given it.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({
      clientId: ctx.oidc.client.clientId,
      accountId: ctx.oidc.session.accountId,
    });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
  renderError: (ctx, out) => { ctx.body = out; },
});

// What an account's entry has as "userinfo" is told there instead of what the ID token says.
provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route === "userinfo" && ctx.oidc.account) {
    ctx.body = { ...ctx.body, ...accounts[ctx.oidc.account.accountId].userinfo };
  }
});

const read = async (request) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
};

const answer = provider.callback();
http
  .createServer(async (request, response) => {
    const [, folder, name] = request.url.split("/");
    if (folder === "accounts") {
      accounts[name] = JSON.parse(await read(request));
      response.writeHead(204).end();
    } else if (folder === "interaction" && request.method === "POST") {
      const login = new URLSearchParams(await read(request)).get("login");
      if (login === "nobody") {
        return provider.interactionFinished(request, response, { error: "access_denied" });
      }
      const { amr, acr } = accounts[login];
      await provider.interactionFinished(request, response, { login: { accountId: login, amr, acr } });
    } else if (folder === "interaction") {
      response.setHeader("Content-Type", "text/html");
      response.end('<!DOCTYPE html><form method="post"><input name="login"><button>Sign in</button></form>');
    } else {
      answer(request, response);
    }
  })
  .listen(port, "127.0.0.1", () => console.log("ready"));
