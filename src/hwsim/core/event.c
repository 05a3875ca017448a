/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The event queue (event.h). Called by every unit of the model, millions of times a second, under the NIC's lock; it knows
 * nothing of what the events mean.
 *
 * Near cycles are slots of a wheel (Varghese and Lauck, SOSP 1987), found by a bitmap of two levels, so that neither adding nor
 * finding the next one depends on how many wait. A slot is one list in order of arrival; its events are spread over
 * a list a priority only when its cycle begins. What lies beyond the wheel waits in a heap, and moves into the wheel as soon
 * as the wheel reaches that far: before anybody can add to that slot directly, so the order of arrival holds.
 */
#include "hwsim/core/event.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS 4096u /* 64 words of 64 bits, and one word over them */
#define CHUNK 512u

struct node {
	struct sim_event ev;
	struct node *next;
};

/* Circular: the last one points to the first. NULL: empty. */
struct list {
	struct node *last;
};

struct far {
	sim_cycle at;
	uint64_t seq;
	struct node *node;
};

struct chunk {
	struct chunk *next;
	struct node node[CHUNK];
};

struct sim_events {
	sim_cycle now;
	uint32_t pending;
	uint32_t ready; /* a bit a priority that has events left in this cycle */
	bool running;	/* this cycle is under way: its slot has been emptied already */
	struct list prio[SIM_P_COUNT];
	uint64_t summary;
	uint64_t bits[SLOTS / 64];
	struct node *free;
	struct far *heap;
	uint32_t n_heap, room_heap;
	uint64_t seq; /* of what went into the heap */
	struct chunk *chunks;
	struct list slot[SLOTS];
};

_Static_assert(SLOTS == 64 * 64, "two levels of one word");
_Static_assert(SIM_P_COUNT <= 32, "a bit each");

struct sim_events *
sim_events_create(void)
{
	return calloc(1, sizeof(struct sim_events));
}

void
sim_events_destroy(struct sim_events *q)
{
	if (q == NULL)
		return;
	while (q->chunks != NULL) {
		struct chunk *c = q->chunks;

		q->chunks = c->next;
		free(c);
	}
	free(q->heap);
	free(q);
}

static inline void
append(struct list *l, struct node *n)
{
	if (l->last == NULL) {
		n->next = n;
	} else {
		n->next = l->last->next;
		l->last->next = n;
	}
	l->last = n;
}

static int
more_nodes(struct sim_events *q)
{
	struct chunk *c = malloc(sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->next = q->chunks;
	q->chunks = c;
	for (uint32_t i = CHUNK; i-- > 0;) {
		c->node[i].next = q->free;
		q->free = &c->node[i];
	}
	return 0;
}

static inline bool
sooner(const struct far *a, const struct far *b)
{
	return a->at < b->at || (a->at == b->at && a->seq < b->seq);
}

static int
heap_push(struct sim_events *q, struct node *n)
{
	struct far f = { .at = n->ev.at, .seq = q->seq, .node = n };
	uint32_t i;

	if (q->n_heap == q->room_heap) {
		uint32_t room = q->room_heap == 0 ? 256 : q->room_heap * 2;
		struct far *h = realloc(q->heap, room * sizeof(*h));

		if (h == NULL)
			return -ENOMEM;
		q->heap = h;
		q->room_heap = room;
	}
	q->seq++;
	for (i = q->n_heap++; i > 0 && sooner(&f, &q->heap[(i - 1) / 2]); i = (i - 1) / 2)
		q->heap[i] = q->heap[(i - 1) / 2];
	q->heap[i] = f;
	return 0;
}

static struct node *
heap_pop(struct sim_events *q)
{
	struct node *top = q->heap[0].node;
	struct far f = q->heap[--q->n_heap];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= q->n_heap)
			break;
		if (child + 1 < q->n_heap && sooner(&q->heap[child + 1], &q->heap[child]))
			child++;
		if (!sooner(&q->heap[child], &f))
			break;
		q->heap[i] = q->heap[child];
		i = child;
	}
	q->heap[i] = f;
	return top;
}

static inline void
wheel_add(struct sim_events *q, struct node *n)
{
	uint32_t s = n->ev.at % SLOTS;

	append(&q->slot[s], n);
	q->bits[s / 64] |= 1ull << s % 64;
	q->summary |= 1ull << s / 64;
}

/* Time is `now`: what the wheel reaches now leaves the heap. */
static inline void
advance(struct sim_events *q, sim_cycle now)
{
	q->now = now;
	while (q->n_heap > 0 && q->heap[0].at - now < SLOTS)
		wheel_add(q, heap_pop(q));
}

int
sim_events_add(struct sim_events *q, const struct sim_event *ev)
{
	struct node *n;

	if (ev->at < q->now || ev->prio >= SIM_P_COUNT)
		return -EINVAL;
	if (q->free == NULL && more_nodes(q) < 0)
		return -ENOMEM;
	n = q->free;
	q->free = n->next;
	n->ev = *ev;
	if (ev->at - q->now >= SLOTS) {
		if (heap_push(q, n) < 0) {
			n->next = q->free;
			q->free = n;
			return -ENOMEM;
		}
	} else if (q->running && ev->at == q->now) {
		append(&q->prio[ev->prio], n);
		q->ready |= 1u << ev->prio;
	} else {
		wheel_add(q, n);
	}
	q->pending++;
	return 0;
}

/* The first cycle with events in the wheel, SIM_NEVER: none. */
static inline sim_cycle
wheel_next(const struct sim_events *q)
{
	uint32_t from = q->now % SLOTS, word = from / 64, s;
	uint64_t b = q->bits[word] >> from % 64, above;

	if (b != 0)
		return q->now + (uint64_t)__builtin_ctzll(b);
	if (q->summary == 0)
		return SIM_NEVER;
	/* Words behind this one, then from the start: what of this word lies before `from` is the wheel's far end. */
	above = word == 63 ? 0 : q->summary >> (word + 1) << (word + 1);
	word = (uint32_t)__builtin_ctzll(above != 0 ? above : q->summary);
	s = word * 64 + (uint32_t)__builtin_ctzll(q->bits[word]);
	return q->now + ((s - from) % SLOTS);
}

static inline sim_cycle
next_of(const struct sim_events *q)
{
	sim_cycle at;

	if (q->ready != 0)
		return q->now;
	at = wheel_next(q);
	return at == SIM_NEVER && q->n_heap > 0 ? q->heap[0].at : at;
}

sim_cycle
sim_events_next(const struct sim_events *q)
{
	return next_of(q);
}

/*
 * The cycle begins: its slot is spread over the priorities. Returns its event if it has one only, as most cycles have: that one
 * is first in any order.
 */
static inline struct node *
spread(struct sim_events *q)
{
	uint32_t s = q->now % SLOTS;
	struct node *last = q->slot[s].last, *n, *next;

	if (last == NULL)
		return NULL;
	q->slot[s].last = NULL;
	q->bits[s / 64] &= ~(1ull << s % 64);
	if (q->bits[s / 64] == 0)
		q->summary &= ~(1ull << s / 64);
	if (last->next == last)
		return last;
	for (n = last->next;; n = next) {
		next = n->next;
		append(&q->prio[n->ev.prio], n);
		q->ready |= 1u << n->ev.prio;
		if (n == last)
			return NULL;
	}
}

static inline void
run_node(struct sim_events *q, struct node *n)
{
	q->pending--;
	n->ev.run(n->ev.owner, &n->ev);
	n->next = q->free;
	q->free = n;
}

/* Runs the cycle that has begun to its end. */
static inline uint64_t
run_cycle(struct sim_events *q)
{
	uint64_t done = 0;

	while (q->ready != 0) {
		uint32_t p = (uint32_t)__builtin_ctz(q->ready);
		struct list *l = &q->prio[p];
		struct node *n = l->last->next;

		if (n == l->last) {
			l->last = NULL;
			q->ready &= ~(1u << p);
		} else {
			l->last->next = n->next;
		}
		run_node(q, n);
		done++;
	}
	return done;
}

uint64_t
sim_events_run(struct sim_events *q, sim_cycle until)
{
	uint64_t done = 0;
	struct node *only;

	for (;;) {
		sim_cycle at = next_of(q);

		if (at > until || at == SIM_NEVER)
			break;
		advance(q, at);
		only = spread(q);
		q->running = true;
		if (only != NULL) {
			run_node(q, only);
			done++;
		}
		done += run_cycle(q);
		q->running = false;
	}
	/* SIM_NEVER asks for all there is; time then stands at the last of it. */
	if (until != SIM_NEVER && until > q->now)
		advance(q, until);
	return done;
}

sim_cycle
sim_events_now(const struct sim_events *q)
{
	return q->now;
}

uint32_t
sim_events_pending(const struct sim_events *q)
{
	return q->pending;
}
