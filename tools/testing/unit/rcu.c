// SPDX-License-Identifier: GPL-2.0-only
/*
 * RCU for the unit tests: a reader notes the epoch it started in, a grace period
 * begins a new one and waits until nobody is left in an older one.
 */
#include <linux/rcupdate.h>
#include <pthread.h>

#define MAX_THREADS	512	/* in the life of a program */
#define BATCH		32

static unsigned long epoch = 1;
static struct reader {
	unsigned long since;	/* 0: not reading */
	char pad[56];
} readers[MAX_THREADS];
static int nr_readers;
static __thread struct reader *self;
static __thread int nesting;

static struct rcu_head *waiting;
static unsigned int nr_waiting;
/* Protects waiting and nr_waiting. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void rcu_read_lock(void)
{
	if (nesting++)
		return;
	if (!self) {
		int i = __atomic_fetch_add(&nr_readers, 1, __ATOMIC_SEQ_CST);

		if (i >= MAX_THREADS)
			abort();
		self = &readers[i];
	}
	__atomic_exchange_n(&self->since, __atomic_load_n(&epoch, __ATOMIC_SEQ_CST),
			    __ATOMIC_SEQ_CST);
}

void rcu_read_unlock(void)
{
	if (!--nesting)
		__atomic_store_n(&self->since, 0, __ATOMIC_RELEASE);
}

static void run(struct rcu_head *head)
{
	unsigned long now = __atomic_add_fetch(&epoch, 1, __ATOMIC_SEQ_CST);
	int i, nr = __atomic_load_n(&nr_readers, __ATOMIC_SEQ_CST);

	for (i = 0; i < nr; i++) {
		unsigned long since;

		while ((since = __atomic_load_n(&readers[i].since, __ATOMIC_SEQ_CST)) &&
		       since < now)
			sched_yield();
	}
	while (head) {
		struct rcu_head *next = head->next;

		head->func(head);
		head = next;
	}
}

static struct rcu_head *take(struct rcu_head *new, unsigned int batch)
{
	struct rcu_head *head = NULL;

	pthread_mutex_lock(&lock);
	if (new) {
		new->next = waiting;
		waiting = new;
		nr_waiting++;
	}
	if (nr_waiting >= batch) {
		head = waiting;
		waiting = NULL;
		nr_waiting = 0;
	}
	pthread_mutex_unlock(&lock);
	return head;
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	if (nesting)
		abort();
	head->func = func;
	head = take(head, BATCH);
	if (head)
		run(head);
}

/* For a single thread: others may be in run() with callbacks of their own. */
void rcu_barrier(void)
{
	run(take(NULL, 0));
}
