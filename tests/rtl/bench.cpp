/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The test bench of src/hwsim/rtl: gives RTL the world of world.h cycle by cycle, is its host memory, notes what it does with each
 * packet and when, and compares that with what the model in C said. Any difference in any cycle fails.
 *
 * usage: bench name=value...   (world_params; RTL's own parameters are built in, and given again for the model in C)
 */
#include "world.h"

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "Vsteering.h"
#include "verilated.h"

namespace
{

struct answer {
	uint64_t at;
	uint32_t line;
};

class bench
{
      public:
	explicit bench(const world *world) : w(world), top(&context), log(world->params.packets)
	{
	}
	bool run();
	bool compare() const;

      private:
	void cycle();
	void configure();
	void inputs();
	void look();

	const world *w;
	VerilatedContext context;
	Vsteering top;
	std::vector<world_log> log;
	std::deque<answer> memory;
	uint64_t now = 0;
	uint32_t next = 0, next_drop = 0, out = 0, accepted = 0;
	bool broken = false;
};

void
bench::cycle()
{
	top.clk = 1;
	top.eval();
	top.clk = 0;
	top.eval();
}

void
bench::configure()
{
	top.rst = 1;
	top.clk = 0;
	/* It clears a set of the cache a cycle. */
	for (uint32_t i = 0; i < 2 * w->params.CACHE_LINES / w->params.CACHE_WAYS + 2; i++)
		cycle();
	top.rst = 0;
	top.config_write = 1;
	for (uint32_t g = 0; g < WORLD_GROUPS; g++) {
		for (uint32_t m = 0; m < 2; m++) {
			const world_matcher &x = w->matcher[g][m];

			if (!x.valid)
				continue;
			top.config_group = g;
			top.config_second = m;
			top.config_base = x.base;
			top.config_last_bucket = x.last_bucket;
			top.config_mask_kind = x.kind;
			top.config_mask_src = x.src;
			top.config_mask_dst = x.dst;
			top.config_mask_ports = x.ports;
			cycle();
		}
	}
	top.config_write = 0;
}

void
bench::inputs()
{
	top.in_valid = next < w->params.packets && w->packet[next].at == now;
	if (top.in_valid) {
		const world_packet &p = w->packet[next];

		for (uint32_t i = 0; i < WORLD_WINDOW / 4; i++) {
			uint32_t word;

			memcpy(&word, p.data + 4 * i, 4);
			top.in_data[i] = word;
		}
		top.in_len = p.len;
		top.in_id = next;
	}
	top.drop = next_drop < w->n_drops && w->drop[next_drop].at == now;
	if (top.drop)
		top.drop_line = w->drop[next_drop++].line;
	top.answer = !memory.empty() && memory.front().at == now;
	for (uint32_t i = 0; i < 16; i++)
		top.answer_data[i] = top.answer ? w->line[memory.front().line][i] : 0xdeadbeef;
	if (top.answer)
		memory.pop_front();
}

/* What there is to see in a cycle, before its end. */
void
bench::look()
{
	if (top.in_valid) {
		log[next].accepted = top.in_ready;
		accepted += top.in_ready;
		next++;
	}
	if (top.dispatch_valid)
		log.at(top.dispatch_id).dispatched = now;
	if (top.probe_valid) {
		world_log &x = log.at(top.probe_id);

		if (x.n_probes < WORLD_PROBES) {
			x.probe[x.n_probes].at = now;
			x.probe[x.n_probes].line = top.probe_line;
			x.probe[x.n_probes].hit = top.probe_hit;
			x.n_probes++;
		}
	}
	if (top.read) {
		if (top.read_line >= w->n_lines) {
			printf("cycle %" PRIu64 ": RTL reads line %u, there are %u\n", now,
					top.read_line, w->n_lines);
			broken = true;
			return;
		}
		memory.push_back({ now + w->params.memory - 1, top.read_line });
	}
	if (top.out_valid) {
		world_log &x = log.at(top.out_id);

		x.left = now;
		x.kind = top.out_kind;
		x.queue = top.out_queue;
		x.marked = top.out_marked;
		x.mark = top.out_mark;
		out++;
	}
}

bool
bench::run()
{
	/* Registers that reset does not reach begin with anything. */
	context.randReset(2);
	context.randSeed(static_cast<int>(w->params.seed));
	configure();
	/* A little longer than the model in C, for what should not come any more. */
	for (now = 0; now < w->last + 1000 && !broken; now++) {
		inputs();
		top.eval();
		look();
		cycle();
	}
	return !broken;
}

const char *
name(uint32_t kind)
{
	static const char *const names[] = { "default", "queue", "drop", "loop" };

	return kind < 4 ? names[kind] : "?";
}

void
show(const char *who, const world_log &x)
{
	printf("  %-3s accepted %d dispatched %" PRIu64 " left %" PRIu64 " %s %u mark %d %u, %u probes:",
			who, x.accepted, x.dispatched, x.left, name(x.kind), x.queue, x.marked, x.mark,
			x.n_probes);
	for (uint32_t i = 0; i < x.n_probes; i++)
		printf(" %u%s@%" PRIu64, x.probe[i].line, x.probe[i].hit ? "+" : "-", x.probe[i].at);
	printf("\n");
}

bool
same(const world_log &a, const world_log &b)
{
	if (a.accepted != b.accepted)
		return false;
	if (!a.accepted)
		return true;
	if (a.dispatched != b.dispatched || a.left != b.left || a.kind != b.kind ||
			a.marked != b.marked || (a.marked && a.mark != b.mark) ||
			(a.kind == WORLD_QUEUE && a.queue != b.queue) || a.n_probes != b.n_probes)
		return false;
	for (uint32_t i = 0; i < a.n_probes; i++) {
		if (a.probe[i].at != b.probe[i].at || a.probe[i].line != b.probe[i].line ||
				a.probe[i].hit != b.probe[i].hit)
			return false;
	}
	return true;
}

bool
bench::compare() const
{
	uint32_t bad = 0;

	for (uint32_t i = 0; i < w->params.packets; i++) {
		if (same(w->log[i], log[i]))
			continue;
		if (bad++ < 3) {
			printf("packet %u, put at %" PRIu64 ":\n", i, w->packet[i].at);
			show("C", w->log[i]);
			show("RTL", log[i]);
		}
	}
	printf("%u packets, %u accepted, %u lines written, last left in cycle %" PRIu64 ", %" PRIu64 " hits, %" PRIu64
	       " misses: %u differ\n",
			w->params.packets, accepted, w->n_drops, w->last, w->hits, w->misses, bad);
	if (top.hits != w->hits || top.misses != w->misses) {
		printf("RTL counts %" PRIu64 " hits, %" PRIu64 " misses\n",
				static_cast<uint64_t>(top.hits), static_cast<uint64_t>(top.misses));
		bad++;
	}
	if (out != accepted) {
		printf("RTL took %u packets and let %u out\n", accepted, out);
		bad++;
	}
	/* A world where nothing is refused, hit or missed would show nothing. */
	if (accepted == 0 || accepted == w->params.packets || w->hits == 0 || w->misses == 0) {
		printf("the load shows too little\n");
		bad++;
	}
	return bad == 0;
}

bool
set(world_params *p, const char *text)
{
	const char *eq = strchr(text, '=');
	uint64_t v;

	if (eq == nullptr)
		return false;
	v = strtoull(eq + 1, nullptr, 10);
	const size_t n = eq - text;
#define X(field) \
	if (n == strlen(#field) && strncmp(text, #field, n) == 0) { \
		p->field = v; \
		return true; \
	}
	WORLD_PARAMS(X)
	X(memory)
	X(rules)
	X(packets)
	X(gap)
	X(drops)
	X(seed)
#undef X
	return false;
}

} // namespace

int
main(int argc, char **argv)
{
	world_params p = {};

	for (int i = 1; i < argc; i++) {
		if (!set(&p, argv[i])) {
			fprintf(stderr, "bench: what is %s?\n", argv[i]);
			return 2;
		}
	}
	world *w = world_create(&p);
	if (w == nullptr)
		return 1;
	auto b = std::make_unique<bench>(w);
	const bool ok = b->run() && b->compare();
	b.reset();
	world_destroy(w);
	return ok ? 0 : 1;
}
