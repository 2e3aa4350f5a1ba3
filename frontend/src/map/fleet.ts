// The vehicles of the live map: fetched whole once, then what changed. Knows nothing of how they are drawn.
export interface Vehicle {
  lon: number; // degrees; 0 for one that has no place here (in use)
  lat: number;
  operator: number; // in `operators`
  kind: number; // in the page's list of classes
  mark: number; // bits: 1 violation, 2 idle
  bay: number; // key of the bay that it stands in, 0 for none
}

interface Answer {
  cursor: number;
  full: boolean;
  check: number[]; // count, and sums of lon, lat, class, mark over all that are not gone
  operators: { code: string; name: string; illustrative: boolean }[];
  columns: Record<"id" | "lon" | "lat" | "operator" | "class" | "mark" | "bay", number[]>;
}

const AGAIN_MS = 20_000; // everything is fetched at most so often where the sums do not agree

export class Fleet {
  readonly vehicles = new Map<number, Vehicle>();
  operators: Answer["operators"] = [];
  private cursor = 0;
  private tag = "";
  private whole = 0; // when everything was fetched

  constructor(
    private readonly url: string,
    private readonly gone: number, // the class that is removed
  ) {}

  /** Fetch what changed; answers whether anything did. Throws where nothing came. */
  async update(): Promise<boolean> {
    if (!this.whole) return this.everything();
    const answer = await this.ask(`${this.url}?since=${this.cursor}`);
    if (!answer) return false;
    this.take(answer);
    // A call that was committed late, or a class that changed by time alone: the sums tell.
    if (!this.agrees(answer.check) && Date.now() - this.whole > AGAIN_MS) await this.everything();
    return true;
  }

  private async everything(): Promise<boolean> {
    this.tag = "";
    const answer = await this.ask(this.url);
    if (!answer) return false;
    this.vehicles.clear();
    this.take(answer);
    this.whole = Date.now();
    return true;
  }

  private async ask(url: string): Promise<Answer | undefined> {
    const headers: Record<string, string> = { Accept: "application/json" };
    if (this.tag) headers["If-None-Match"] = this.tag;
    const answer = await fetch(url, { headers });
    if (answer.status === 304) return undefined;
    if (!answer.ok || answer.redirected) throw new Error(`${url}: HTTP ${answer.status}`);
    const data = (await answer.json()) as Answer;
    this.tag = answer.headers.get("ETag") ?? "";
    return data;
  }

  private take({ columns, operators, cursor }: Answer): void {
    this.operators = operators;
    this.cursor = Math.max(this.cursor, cursor);
    columns.id.forEach((id, row) => {
      const at = (name: keyof Answer["columns"]) => columns[name][row] ?? 0;
      if (at("class") === this.gone) this.vehicles.delete(id);
      else {
        const [lon, lat] = [at("lon") / 1e6, at("lat") / 1e6];
        this.vehicles.set(id, { lon, lat, operator: at("operator"), kind: at("class"), mark: at("mark"), bay: at("bay") });
      }
    });
  }

  private agrees(check: number[]): boolean {
    const own = [0, 0, 0, 0, 0];
    for (const { lon, lat, kind, mark } of this.vehicles.values()) {
      [1, Math.round(lon * 1e6), Math.round(lat * 1e6), kind, mark].forEach((value, n) => (own[n] = (own[n] ?? 0) + value));
    }
    return own.every((sum, n) => sum === check[n]);
  }
}
