/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * ddit, a driver that holds the DDI around it to what it promises: one source of checks for every
 * engine. A client asks for one check after another by ioctl(2), and lends it threads. For the
 * driver and for its clients; both have brought uint32_t and its relatives.
 */
#ifndef DEVMAP_TESTS_DDIT_H
#define DEVMAP_TESTS_DDIT_H

/* X(name, what it holds to), by family. */
#define DDIT_DATA(X)                                                        \
	X(prop_ints, "integers among properties")                           \
	X(prop_texts, "texts among properties, and updates")                \
	X(prop_old, "ddi_prop_op(9F) and ddi_getlongprop(9F)")              \
	X(prop_arrays, "arrays among properties")                           \
	X(prop_stacks, "ddi_prop_create(9F) and ddi_prop_remove(9F)")       \
	X(prop_wrong, "properties that are asked for wrongly")              \
	X(state_items, "items of soft state come and go")                   \
	X(state_grows, "soft state grows under its readers")                \
	X(uio_moves, "uiomove(9F) goes on where it was")                    \
	X(power, "pm_raise_power(9F) and its relatives, without power(9E)") \
	X(pages_round, "ptob, btop, btopr")                                 \
	X(models, "STRUCT_DECL(9F) and its relatives")                      \
	X(faults, "ddi_fm_init(9F) and its relatives, without faults")      \
	X(instance_facts, "what an instance says of itself")

#define DDIT_MEMORY(X)                                                           \
	X(kmem, "kmem_alloc(9F)")                                                \
	X(umem, "ddi_umem_alloc(9F)")                                            \
	X(umem_too_much, "C26 ddi_umem_alloc(9F) of more than there is is NULL") \
	X(regs_sets, "register sets and their sizes")                            \
	X(regs_access, "every width of register access")                         \
	X(regs_endian, "devices of either byte order")                           \
	X(regs_rep, "repeated register accesses")                                \
	X(regs_outside, "C26 accesses outside what was mapped")                  \
	X(regs_peek, "ddi_peek8(9F), ddi_poke8(9F) and their relatives")

#define DDIT_SYNC(X)                                                           \
	X(mutex_excludes, "a mutex of zeros excludes")                         \
	X(mutex_owner, "a mutex knows its owner")                              \
	X(mutex_freed, "C26 the last owner of a mutex may free it")            \
	X(cv_ping_pong, "no cv_signal(9F) is lost")                            \
	X(cv_times, "timed waits end in time")                                 \
	X(cv_huge, "timed waits of for ever do not end by themselves")         \
	X(rw_excludes, "a readers/writer lock of zeros excludes")              \
	X(rw_states, "states of a readers/writer lock")                        \
	X(rw_freed, "C26 the last owner of a readers/writer lock may free it") \
	X(sema_counts, "a semaphore counts")                                   \
	X(sema_freed, "C26 who has come through a semaphore may free it")

#define DDIT_TIME(X)                                                  \
	X(ticks, "ticks and microseconds")                            \
	X(sleeps, "delay(9F) and drv_usecwait(9F) sleep long enough") \
	X(timeout_order, "timeout(9F) in the order of time")          \
	X(timeout_taken_back, "untimeout(9F) before the time")        \
	X(timeout_waited_for, "untimeout(9F) waits for what runs")    \
	X(timeout_huge, "timeout(9F) of for ever does not come")

#define DDIT_NUMBERS(X)                                             \
	X(atomic_widths, "atomic operations of every width")        \
	X(atomic_excl, "bits that only one sets")                   \
	X(atomic_races, "nothing that is added atomically is lost") \
	X(byte_orders, "byte orders, at any address")               \
	X(numbers_in_text, "ddi_strtol(9F) and its relatives")      \
	X(number_limits, "ddi_strtol(9F): numbers that do not fit") \
	X(polled_delay, "CDELAY looks so often, and no more")       \
	X(parms, "drv_getparm(9F)")

#define DDIT_LISTS(X)                                                          \
	X(list_order, "list_insert_after(9F) and its relatives")               \
	X(list_moves, "list_move_tail(9F) and list_link_replace(9F)")          \
	X(list_mistakes, "C26 list_remove(9F) of what is on no list")          \
	X(avl_sorts, "a tree sorts, and stays balanced")                       \
	X(avl_places, "places in a tree, and neighbours")                      \
	X(avl_moves, "a tree follows a key that changes")                      \
	X(avl_ends, "a tree gives all its objects back")                       \
	X(cache_keeps, "a cache keeps its objects constructed")                \
	X(cache_refuses, "a cache whose constructor fails, and alignment")     \
	X(cache_mistakes, "C26 a cache gets back what is not its own")         \
	X(arena_runs, "an arena gives runs, and joins what comes back")        \
	X(arena_fits, "an arena fits best, first and next")                    \
	X(arena_where, "vmem_xalloc(9F) gives what is where it was asked for") \
	X(arena_grows, "an arena brings from its source, and gives back")      \
	X(arena_waits, "vmem_alloc(9F) with VM_SLEEP waits")                   \
	X(arena_mistakes, "C26 an arena gets back what it did not give")       \
	X(ids_last, "id_space(9F) uses an identifier again as late as it can")

#define DDIT_TASKS(X)                                                    \
	X(tasks_order, "tasks of one thread run in their order")         \
	X(tasks_beside, "tasks of several threads run side by side")     \
	X(tasks_suspend, "a queue that is suspended, and goes on")       \
	X(tasks_limits, "taskq(9F) says where it takes no more")         \
	X(tasks_drain, "a queue ends when all its tasks have run")       \
	X(tasks_system, "system_taskq is there, and tasks serve nobody") \
	X(tasks_mistakes, "C26 a task that waits for its own queue")     \
	X(policy, "secpolicy_ for the system itself")                    \
	X(softints, "ddi_intr_add_softint(9F) and its relatives")        \
	X(softints_old, "ddi_add_softintr(9F)")                          \
	X(softint_mistakes, "C26 a soft interrupt that removes itself")  \
	X(intrs_none, "interrupts of a device that has none")

#define DDIT_BLOCKS(X)                                                 \
	X(uio_stays, "uiocopy(9F) and uioskip(9F)")                    \
	X(buf_life, "getrbuf(9F), bioerror(9F), bioreset(9F)")         \
	X(buf_waits, "biowait(9F) waits for biodone(9F)")              \
	X(buf_parts, "bioclone(9F), bp_copyin(9F), bp_copyout(9F)")    \
	X(physio_reads, "physio(9F) reads in pieces")                  \
	X(physio_writes, "physio(9F) writes, and ends where it fails") \
	X(physio_shares, "physio(9F) waits for a buf that is in use")  \
	X(disk_sorts, "disksort(9F) sorts in two runs")

#define DDIT_KSTATS(X)                                                     \
	X(kstat_life, "kstat_create(9F) and kstat_delete(9F)")             \
	X(kstat_keeps, "a kstat(9S) that is kept until it is made again")  \
	X(kstat_queues, "kstat_queue(9F) counts what waits and what runs") \
	X(kstat_timers, "kstat_timer(9S) measures")                        \
	X(kstat_mistakes, "C26 statistics that are used wrongly")

/* What a client asks for on its way. */
#define DDIT_STEPS(X)                              \
	X(kstats_show, "statistics of every kind") \
	X(kstats_hide, "they go")                  \
	X(kstats_stall, "one does not return")     \
	X(kstats_go_on, "it does")

#define DDIT_ENUM(name, what) DDIT_##name,

enum ddit_check {
	DDIT_DATA(DDIT_ENUM) DDIT_MEMORY(DDIT_ENUM) DDIT_SYNC(DDIT_ENUM) DDIT_TIME(DDIT_ENUM)
		DDIT_NUMBERS(DDIT_ENUM) DDIT_LISTS(DDIT_ENUM) DDIT_TASKS(DDIT_ENUM)
			DDIT_BLOCKS(DDIT_ENUM) DDIT_KSTATS(DDIT_ENUM) DDIT_STEPS(DDIT_ENUM)
				DDIT_CHECKS
};

#define DDIT_WORKERS  4 /* threads that a check can have besides its own */
#define DDIT_TEXT_MAX 160

struct ddit_run {
	uint32_t check;
	int32_t line;		  /* where it failed; 0: it did not */
	char text[DDIT_TEXT_MAX]; /* what does not hold */
};

#define DDIT_RUN  _IOWR('D', 1, struct ddit_run) /* waits for DDIT_WORKERS threads first */
#define DDIT_WORK _IO('D', 2)			 /* this thread is the driver's, until DDIT_STOP */
#define DDIT_STOP _IO('D', 3)

#endif
