// Which features of the HTML on stdin some of these mail programs do not support, as JSON.
const { caniemail } = await import(process.argv[2]);
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "thunderbird.macos"];
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { issues } = caniemail({ clients, html: Buffer.concat(chunks).toString() });
const found = {};
for (const [client, list] of issues.errors)
  for (const { title } of list) (found[title] ??= new Set()).add(client);
console.log(JSON.stringify(Object.fromEntries(Object.entries(found).map(([k, v]) => [k, [...v]]))));
