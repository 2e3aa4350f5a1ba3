// The service worker of crews' phones: pages that were open once, and what they need, open again without a network.
// It answers only for crews' pages (below); everything else of the site goes past it. Nothing is sent from here:
// what is noted without a network waits in the page's own queue (components/queue.ts).
interface Extended extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetched extends Extended {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope extends EventTarget {
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
}

const worker = self as unknown as Scope;
const STORE = "crew-1";
const PAGES = /^\/sanitation\/(crew|trips|bins\/at)\//;
const FALLBACK = "/sanitation/bins/at/offline/"; // the form of any bin; the page reads the bin's code from its address
const BUILT = /\/build\/assets\//; // names carry a hash: what is kept never grows old

worker.addEventListener("install", (event) => {
  (event as Extended).waitUntil(
    caches.open(STORE).then((store) => store.add(FALLBACK).catch(() => undefined)).then(() => worker.skipWaiting()),
  );
});

worker.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((n) => n !== STORE).map((n) => caches.delete(n))));
  (event as Extended).waitUntil(old.then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (event) => {
  const { request, respondWith } = event as Fetched;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (request.mode === "navigate" ? PAGES.test(url.pathname) : BUILT.test(url.pathname)) {
    respondWith.call(event, request.mode === "navigate" ? page(request, url) : built(request));
  }
});

/** The page as it is now; without a network as it was; of a bin that was never open, the form of any bin. */
async function page(request: Request, url: URL): Promise<Response> {
  const store = await caches.open(STORE);
  try {
    const answer = await fetch(request);
    if (answer.ok && !answer.redirected) await store.put(url.pathname, answer.clone());
    else if (answer.status === 403 || answer.status === 404) await store.delete(url.pathname); // withdrawn: forget it
    return answer;
  } catch (error) {
    const kept = (await store.match(url.pathname)) ?? (url.pathname.includes("/bins/at/") && (await store.match(FALLBACK)));
    if (kept) return kept;
    throw error;
  }
}

async function built(request: Request): Promise<Response> {
  const store = await caches.open(STORE);
  const kept = await store.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await store.put(request, answer.clone());
  return answer;
}
