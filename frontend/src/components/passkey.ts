// Passkeys (WebAuthn): the page's question goes to the browser, its answer into the form's hidden field.
import { announce, each, jsonFrom } from "../dom";
import { t } from "../strings";

type Json = Record<string, unknown>;
interface Described {
  id: string;
  type: PublicKeyCredentialType;
}
interface Question {
  publicKey: Json & { challenge: string; user?: Json & { id: string }; excludeCredentials?: Described[]; allowCredentials?: Described[] };
}

const bytes = (text: string): ArrayBuffer =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0)).buffer;
const text = (buffer: ArrayBuffer): string =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const described = (list?: Described[]) => list?.map((one) => ({ ...one, id: bytes(one.id) }));

/** Before the double-submission guard: a form without its answer is not yet sent. */
export function passkey(root: ParentNode): void {
  each<HTMLFormElement>(root, "form[data-passkey]", (form) => {
    const question = jsonFrom<Question>(form.dataset.passkey);
    const answer = form.querySelector<HTMLInputElement>("[name=credential]");
    if (!question || !answer || !window.PublicKeyCredential) return;
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      if (answer.value) return;
      event.preventDefault();
      ask(question)
        .then((given) => {
          answer.value = JSON.stringify(given);
          form.requestSubmit();
        })
        .catch(() => announce(t("passkey_failed"), "danger"));
    });
  });
}

async function ask({ publicKey }: Question): Promise<Json> {
  const { challenge, user, excludeCredentials, allowCredentials, ...rest } = publicKey;
  const options = { ...rest, challenge: bytes(challenge) };
  const made = (await (user
    ? navigator.credentials.create({
        publicKey: {
          ...options,
          user: { ...user, id: bytes(user.id) },
          excludeCredentials: described(excludeCredentials),
        } as unknown as PublicKeyCredentialCreationOptions,
      })
    : navigator.credentials.get({
        publicKey: { ...options, allowCredentials: described(allowCredentials) },
      }))) as PublicKeyCredential;
  const response: Json = { clientDataJSON: text(made.response.clientDataJSON) };
  for (const key of ["attestationObject", "authenticatorData", "signature", "userHandle"] as const) {
    const part = (made.response as unknown as Record<string, ArrayBuffer | null | undefined>)[key];
    if (part) response[key] = text(part);
  }
  if (user) delete response.authenticatorData; // newer browsers repeat it beside the attestation
  return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: {} };
}
