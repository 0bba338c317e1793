/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * C1, C4, C7, C8, C21 on a real device with DMA: QEMU's edu, driven by drivers/edu.c.
 *
 * usage: edu_share [SECONDS [SEED]]
 *
 * Peers are processes that have the device open and mapped, and do what they are asked, one at a
 * time, so that it is known when the device is switched. Each keeps in mind what the device must
 * have for it. At the end all of them use it at the same time, as they like.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../drivers/edu.h"

#define DEVICE	  "/dev/edu0"
#define NPEERS	  4 /* at the same time; one more is killed */
#define NOTHERS	  3
#define MOVED	  4000	/* bytes of the buffer in use */
#define LONG_TIME 300.0 /* seconds: whatever takes longer hangs */

struct peer {
	pid_t pid;
	int ask, answer; /* pipes */
};

/* What a peer is asked: done by it in its own process, which is a fork. 0: right. */
typedef int question_t(long arg);

struct request {
	question_t *question;
	long arg;
};

/* What the device must have for this process. */
struct expected {
	uint32_t liveness, factorial, status, irq;
	uint64_t source, destination, count, command;
	unsigned int buffer; /* seed of its content; 0: zeros */
};

static int fd;
static volatile uint8_t *regs;
static uint64_t page_bus;
static struct expected now;
static unsigned int seed = 1;
static int tests, failures;
static uint32_t long_operand; /* takes some 20 ms or more */

/* TAP */

static void __attribute__((format(printf, 2, 3))) result(int ok, const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++tests);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	failures += !ok;
}

/* From any process; one write, so that lines stay whole. Returns 1: wrong. */
static int __attribute__((format(printf, 1, 2))) complain(const char *fmt, ...)
{
	char line[200];
	va_list ap;
	int len = snprintf(line, sizeof(line), "# %d: ", (int)getpid());

	va_start(ap, fmt);
	len += vsnprintf(line + len, sizeof(line) - 1 - len, fmt, ap);
	va_end(ap);
	line[len++] = '\n';
	if (write(STDOUT_FILENO, line, len) < 0)
		_exit(1);
	return 1;
}

static void die(const char *what)
{
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void nap(unsigned int us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&ts, NULL);
}

/* The device. */

static uint32_t get32(unsigned int reg)
{
	return *(volatile uint32_t *)(regs + reg);
}

static void put32(unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(regs + reg) = value;
}

static uint64_t get64(unsigned int reg)
{
	return *(volatile uint64_t *)(regs + reg);
}

static void put64(unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(regs + reg) = value;
}

static void map_device(void)
{
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(DEVICE);
	regs = mmap(NULL, EDU_REGISTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (regs == MAP_FAILED)
		die("mmap");
	if (ioctl(fd, EDU_GET_DMA_ADDR, &page_bus) != 0)
		die("EDU_GET_DMA_ADDR");
}

static struct edu_stats stats(void)
{
	struct edu_stats s;

	if (ioctl(fd, EDU_GET_STATS, &s) != 0)
		die("EDU_GET_STATS");
	return s;
}

/* Waits until bit of reg is clear (want 0) or set. */
static int wait_bit(unsigned int reg, uint32_t bit, uint32_t want)
{
	double begun = seconds();

	while ((get32(reg) & bit) != want) {
		if (seconds() - begun > LONG_TIME)
			return complain("register 0x%x has 0x%x for too long", reg, get32(reg));
	}
	return 0;
}

static uint32_t factorial(uint32_t n)
{
	uint32_t product = 1;

	for (; n > 1 && product != 0; n--)
		product *= n;
	return product;
}

/* Does not wait. */
static void compute(uint32_t n)
{
	put32(EDU_FACTORIAL, n);
	now.factorial = factorial(n);
	if (now.status & EDU_IRQ_FACTORIAL)
		now.irq |= EDU_IRQ_COMPUTED;
}

static int computed(uint32_t n)
{
	compute(n);
	return wait_bit(EDU_STATUS, EDU_COMPUTING, 0);
}

/* Does not wait. Directions are those of EDU_DMA_FROM_DEVICE. */
static void start_dma(uint64_t command)
{
	int from_device = (command & EDU_DMA_FROM_DEVICE) != 0;

	now.source = from_device ? EDU_BUFFER : page_bus;
	now.destination = from_device ? page_bus : EDU_BUFFER;
	now.count = MOVED;
	now.command = command & ~(uint64_t)EDU_DMA_RUN;
	put64(EDU_DMA_SOURCE, now.source);
	put64(EDU_DMA_DESTINATION, now.destination);
	put64(EDU_DMA_COUNT, now.count);
	put64(EDU_DMA_COMMAND, command | EDU_DMA_RUN);
	if (command & EDU_DMA_IRQ)
		now.irq |= EDU_IRQ_MOVED;
}

static int dma(uint64_t command)
{
	start_dma(command);
	return wait_bit(EDU_DMA_COMMAND, EDU_DMA_RUN, 0);
}

static void fill(uint8_t *page, unsigned int pattern)
{
	for (unsigned int i = 0; i < MOVED; i++) {
		page[i] = pattern == 0 ? 0 : (uint8_t)(pattern >> 8);
		pattern = pattern * 1103515245 + 12345 * (pattern != 0);
	}
}

static int write_page(unsigned int pattern)
{
	uint8_t page[MOVED];

	fill(page, pattern);
	return pwrite(fd, page, MOVED, 0) == MOVED ? 0 : complain("write: %s", strerror(errno));
}

static int check_page(unsigned int pattern, const char *what)
{
	uint8_t page[MOVED], wanted[MOVED];

	fill(wanted, pattern);
	if (pread(fd, page, MOVED, 0) != MOVED)
		return complain("read: %s", strerror(errno));
	for (unsigned int i = 0; i < MOVED; i++) {
		if (page[i] != wanted[i])
			return complain("%s: byte %u is 0x%x, not 0x%x", what, i, page[i],
					wanted[i]);
	}
	return 0;
}

static int write_buffer(unsigned int pattern, uint64_t command)
{
	now.buffer = pattern;
	return write_page(pattern) || dma(command & ~(uint64_t)EDU_DMA_FROM_DEVICE);
}

static int write_buffer_of(long pattern)
{
	return write_buffer((unsigned int)pattern, 0);
}

/* Parts of the context, each looked at for itself. */

static int differs(const char *what, uint64_t found, uint64_t wanted)
{
	if (found == wanted)
		return 0;
	return complain("%s is 0x%llx, not 0x%llx", what, (unsigned long long)found,
			(unsigned long long)wanted);
}

static int check_liveness(long unused)
{
	(void)unused;
	return differs("liveness", get32(EDU_LIVENESS), now.liveness);
}

static int check_factorial(long unused)
{
	(void)unused;
	return wait_bit(EDU_STATUS, EDU_COMPUTING, 0) ||
	       differs("the factorial", get32(EDU_FACTORIAL), now.factorial);
}

static int check_status(long unused)
{
	(void)unused;
	return differs("status", get32(EDU_STATUS) & ~(uint32_t)EDU_COMPUTING, now.status);
}

/*
 * Whoever asks for interrupts just after a computation without may get one for it: the device looks
 * late whether one is wanted. That is the device's own way, with one process too.
 */
static int may_come; /* one that nobody has asked for, or has: it is taken off when it is seen */

static void forget_unasked(void)
{
	if (may_come && (get32(EDU_IRQ_STATUS) ^ now.irq) == EDU_IRQ_COMPUTED)
		put32(EDU_IRQ_ACK, EDU_IRQ_COMPUTED);
}

/* The device is late with it: so wait for what has to come. What must not come fails it at once. */
static int check_irq(long unused)
{
	double begun = seconds();

	(void)unused;
	if (wait_bit(EDU_STATUS, EDU_COMPUTING, 0))
		return 1;
	while ((get32(EDU_IRQ_STATUS) ^ now.irq) == EDU_IRQ_COMPUTED &&
	       (now.irq & EDU_IRQ_COMPUTED) && seconds() - begun < LONG_TIME)
		;
	if (!(now.irq & EDU_IRQ_COMPUTED))
		forget_unasked();
	return differs("pending interrupts", get32(EDU_IRQ_STATUS), now.irq);
}

static int check_source(long unused)
{
	(void)unused;
	return differs("the DMA source", get64(EDU_DMA_SOURCE), now.source);
}

static int check_destination(long unused)
{
	(void)unused;
	return differs("the DMA destination", get64(EDU_DMA_DESTINATION), now.destination);
}

static int check_count(long unused)
{
	(void)unused;
	return differs("the DMA count", get64(EDU_DMA_COUNT), now.count);
}

static int check_command(long unused)
{
	(void)unused;
	return wait_bit(EDU_DMA_COMMAND, EDU_DMA_RUN, 0) ||
	       differs("the DMA command", get64(EDU_DMA_COMMAND), now.command);
}

/* Changes the DMA registers: comes last. */
static int check_buffer(long unused)
{
	(void)unused;
	return dma(now.command | EDU_DMA_FROM_DEVICE) || check_page(now.buffer, "the buffer");
}

static const struct {
	const char *name;
	question_t *check;
} parts[] = {
	{ "liveness", check_liveness },	      { "result of a factorial", check_factorial },
	{ "interrupt enable", check_status }, { "pending interrupts", check_irq },
	{ "DMA source", check_source },	      { "DMA destination", check_destination },
	{ "DMA count", check_count },	      { "DMA command", check_command },
	{ "device buffer", check_buffer },
};

#define NPARTS (sizeof(parts) / sizeof(parts[0]))

static void set_liveness(uint32_t value)
{
	put32(EDU_LIVENESS, value);
	now.liveness = ~value;
}

static void set_status(uint32_t value)
{
	may_come |= (value & EDU_IRQ_FACTORIAL) != 0;
	put32(EDU_STATUS, value);
	now.status = value;
}

/*
 * Leaves only these bits pending. The interrupt of a computation may be late, that of one for which it was
 * not asked too, and though it is not asked for any more: so let there be a computation without one after
 * it.
 */
static void set_irq(uint32_t value)
{
	uint32_t status = now.status;

	if ((status & EDU_IRQ_FACTORIAL) != 0 || may_come) {
		set_status(0);
		computed(4);
		set_status(status);
	}
	put32(EDU_IRQ_ACK, 0xffffffff);
	put32(EDU_IRQ_RAISE, value);
	now.irq = value;
	may_come = (status & EDU_IRQ_FACTORIAL) != 0;
}

static void set_dma(uint64_t source, uint64_t destination, uint64_t count)
{
	put64(EDU_DMA_SOURCE, source);
	put64(EDU_DMA_DESTINATION, destination);
	put64(EDU_DMA_COUNT, count);
	now.source = source;
	now.destination = destination;
	now.count = count;
}

/* Each part different from the other peers'. The last command goes either way. */
static int set_all(long n)
{
	int error;

	set_liveness(0x01010101u * (uint32_t)n);
	set_status(0);
	error = computed((uint32_t)n + 4) ||
		write_buffer((unsigned int)n, (uint64_t)n << 40 | n << 3);
	if (error == 0 && (n & 1))
		error = dma((uint64_t)n << 32 | EDU_DMA_FROM_DEVICE | n << 4);
	set_irq(0xa0000000 | (uint32_t)n << 12);
	set_status(n & 1 ? EDU_IRQ_FACTORIAL : 0);
	set_dma(0x123400000000 + n, 0x567800000000 + n, 0x9abc00000000 + n);
	return error;
}

/* Peers. */

static void __attribute__((noreturn)) serve(int ask, int answer)
{
	struct request r;

	map_device();
	while (read(ask, &r, sizeof(r)) == sizeof(r)) {
		int value = r.question(r.arg);

		if (write(answer, &value, sizeof(value)) != sizeof(value))
			break;
	}
	_exit(0);
}

static struct peer peer_start(void)
{
	int ask[2], answer[2];
	struct peer p;

	if (pipe2(ask, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0)
		die("pipe");
	fflush(stdout);
	p.pid = fork();
	if (p.pid < 0)
		die("fork");
	if (p.pid == 0) {
		close(ask[1]);
		close(answer[0]);
		serve(ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	p.ask = ask[1];
	p.answer = answer[0];
	return p;
}

static void tell(struct peer *p, question_t *question, long arg)
{
	struct request r = { question, arg };

	if (write(p->ask, &r, sizeof(r)) != sizeof(r))
		die("a peer is gone");
}

static int hear(struct peer *p)
{
	int value, status = -1;

	if (read(p->answer, &value, sizeof(value)) == sizeof(value))
		return value;
	waitpid(p->pid, &status, 0);
	printf("Bail out! peer %d died, status 0x%x\n", (int)p->pid, (unsigned int)status);
	exit(1);
}

static int ask(struct peer *p, question_t *question, long arg)
{
	tell(p, question, arg);
	return hear(p);
}

static int leave(long status)
{
	_exit((int)status);
}

/* Peers have each other's pipes, so that to close one tells nothing. */
static int peer_wait(struct peer *p)
{
	struct request r = { leave, 0 };
	int status;

	if (write(p->ask, &r, sizeof(r)) < 0 && errno != EPIPE)
		die("write");
	close(p->ask);
	close(p->answer);
	if (waitpid(p->pid, &status, 0) != p->pid)
		die("waitpid");
	return status;
}

/* Every part, across a switch. */

static void test_parts(void)
{
	struct peer p[2] = { peer_start(), peer_start() };
	int wrong[NPARTS] = { 0 }, set = 0;

	for (int i = 0; i < 2; i++)
		set |= ask(&p[i], set_all, i + 1);
	result(set == 0, "C1 two processes set every part of the device");
	for (unsigned int part = 0; part < NPARTS; part++) {
		for (int i = 0; i < 2; i++)
			wrong[part] |= ask(&p[i], parts[part].check, 0);
	}
	for (unsigned int part = 0; part < NPARTS; part++)
		result(wrong[part] == 0, "C1 each has its own: %s", parts[part].name);
	for (int i = 0; i < 2; i++)
		peer_wait(&p[i]);
}

/* A process that comes finds the device as after a reset, whatever is there. */

static int check_all(long unused)
{
	int wrong = 0;

	(void)unused;
	for (unsigned int part = 0; part < NPARTS; part++)
		wrong |= parts[part].check(0);
	return wrong;
}

static void test_fresh(void)
{
	struct peer p[2] = { peer_start(), peer_start() };

	result(ask(&p[0], set_all, 3) == 0 && ask(&p[1], check_all, 0) == 0,
	       "C1 a process that comes finds nothing of another's");
	for (int i = 0; i < 2; i++)
		peer_wait(&p[i]);
}

/* In mid-computation. */

static int calibrate(long unused)
{
	(void)unused;
	for (long_operand = 10000000; long_operand < 160000000; long_operand *= 2) {
		double begun = seconds();

		if (computed(long_operand))
			return 1;
		if (seconds() - begun > 0.02)
			break;
	}
	return 0;
}

/* arg: EDU_IRQ_FACTORIAL or 0 */
static int begin_long(long arg)
{
	set_status((uint32_t)arg);
	set_irq(0x40);
	compute(long_operand);
	return 0;
}

static int compute_small(long arg)
{
	int wrong = differs("status of one who does not compute", get32(EDU_STATUS), now.status);

	return wrong | check_factorial(0) | computed((uint32_t)arg) | check_factorial(0) |
	       check_irq(0);
}

/* Done by either after the other's. */
static void test_computing(struct peer *p, uint32_t status)
{
	uint64_t before = stats().computing;
	int wrong = 0, rounds;

	for (rounds = 0; rounds < 100 && stats().computing < before + 5 && wrong == 0; rounds++) {
		wrong |= ask(&p[0], compute_small, 5);
		wrong |= ask(&p[1], compute_small, rounds % 33 + 1);
		wrong |= ask(&p[0], begin_long, status);
		wrong |= ask(&p[1], compute_small, rounds % 33 + 2);
		wrong |= ask(&p[0], check_status, 0);
		wrong |= ask(&p[0], check_factorial, 0);
		wrong |= ask(&p[0], check_irq, 0);
		wrong |= ask(&p[1], check_irq, 0);
		wrong |= ask(&p[1], check_factorial, 0);
	}
	result(wrong == 0, "C4 a computation%s outlives a switch", status ? " with interrupt" : "");
	result(stats().computing >= before + 5, "%llu of %d switches were in mid-computation",
	       (unsigned long long)(stats().computing - before), rounds);
}

/* In mid-DMA. */

static int begin_dma(long arg)
{
	set_irq(0);
	if (write_buffer((unsigned int)arg, 0) || write_page(77))
		return 1;
	start_dma(EDU_DMA_FROM_DEVICE | EDU_DMA_IRQ);
	return 0;
}

static int end_dma(long arg)
{
	return check_command(0) || check_irq(0) || check_source(0) || check_destination(0) ||
	       check_count(0) || check_page((unsigned int)arg, "what a DMA brought");
}

static int check_quiet(long unused)
{
	(void)unused;
	return check_command(0) || check_irq(0) || check_source(0);
}

static void test_moving(struct peer *p)
{
	uint64_t before = stats().moving;
	int wrong = 0;

	for (int rounds = 0; rounds < 10 && stats().moving < before + 2 && wrong == 0; rounds++) {
		wrong |= ask(&p[0], begin_dma, 21 + rounds);
		wrong |= ask(&p[1], check_quiet, 0);
		wrong |= ask(&p[0], end_dma, 21 + rounds);
		wrong |= ask(&p[1], check_buffer, 0);
		wrong |= ask(&p[0], check_buffer, 0);
	}
	result(wrong == 0, "C4 a DMA outlives a switch");
	result(stats().moving >= before + 2, "switches waited for the end of a DMA: %llu",
	       (unsigned long long)(stats().moving - before));
}

/* Who is killed. */

static void test_kill(struct peer *p)
{
	struct peer victim = peer_start();
	int wrong = ask(&victim, begin_long, EDU_IRQ_FACTORIAL), status;

	kill(victim.pid, SIGKILL);
	status = peer_wait(&victim);
	wrong |= ask(&p[0], compute_small, 6) | ask(&p[1], check_irq, 0);
	result(wrong == 0 && WIFSIGNALED(status),
	       "C7 one is killed in mid-computation, and the others do not notice");

	victim = peer_start();
	wrong = ask(&victim, begin_dma, 31);
	kill(victim.pid, SIGKILL);
	status = peer_wait(&victim);
	victim = peer_start();
	wrong |= ask(&victim, check_all, 0);
	peer_wait(&victim);
	wrong |= ask(&p[0], check_quiet, 0) | ask(&p[0], check_buffer, 0) |
		 ask(&p[1], check_buffer, 0);
	result(wrong == 0 && WIFSIGNALED(status),
	       "C7 one is killed in mid-DMA, and the others do not notice");
}

/* Who waits for a long computation. */

#define TOO_LATE 0x100 /* besides the 1 of what is wrong */

static volatile double alarmed;

static void on_alarm(int signo)
{
	(void)signo;
	alarmed = seconds();
}

/* Touches the device with an alarm set: the handler runs long before the touch is over. */
static int wait_alarmed(long unused)
{
	struct itimerval soon = { .it_value.tv_usec = 20000 };
	struct sigaction sa = { .sa_handler = on_alarm };
	double begun = seconds(), middle;
	int wrong;

	(void)unused;
	alarmed = 0;
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	wrong = check_liveness(0);
	middle = (begun + seconds()) / 2;
	if (alarmed == 0 || alarmed > middle)
		wrong |= TOO_LATE;
	return wrong;
}

static int begin_longest(long times)
{
	compute(long_operand * times);
	return 0;
}

static int alarm_in_wait(struct peer *p, struct peer *victim, long times)
{
	return ask(victim, set_all, 9) | ask(&p[0], begin_longest, times) |
	       ask(&p[1], wait_alarmed, 0) | ask(&p[0], check_factorial, 0) |
	       ask(&p[1], check_factorial, 0);
}

static int kill_in_wait(struct peer *p, struct peer *victim, long times)
{
	int wrong = ask(&p[0], begin_longest, times);
	double begun, killed, waited;

	tell(victim, check_liveness, 0);
	nap(50000);
	begun = seconds();
	kill(victim->pid, SIGKILL);
	peer_wait(victim);
	*victim = peer_start();
	killed = seconds() - begun;
	wrong |= ask(&p[1], check_factorial, 0);
	waited = seconds() - begun;
	wrong |= ask(&p[0], check_factorial, 0);
	printf("# %.0f ms, the computation %.0f ms\n", killed * 1e3, waited * 1e3);
	return wrong | (killed < waited / 2 ? 0 : TOO_LATE);
}

/*
 * On a slow machine what must come before the end of the computation may take as long as that by
 * itself. With a longer one it does not take longer, unless it waits for the end.
 */
static int in_a_long_wait(int (*try)(struct peer *p, struct peer *victim, long times),
			  struct peer *p, struct peer *victim)
{
	int wrong = TOO_LATE;

	for (long times = 16; times <= 128 && wrong == TOO_LATE; times *= 2)
		wrong = try(p, victim, times);
	return wrong;
}

static void test_waiting(struct peer *p)
{
	struct peer victim = peer_start();

	result(in_a_long_wait(alarm_in_wait, p, &victim) == 0,
	       "C8 who waits for a computation runs its signal handlers");
	result(in_a_long_wait(kill_in_wait, p, &victim) == 0, "C8 who waits can be killed");
	peer_wait(&victim);
}

/* fork */

static int fork_child(void)
{
	int wrong = check_liveness(0) | check_factorial(0) | check_status(0) | check_irq(0) |
		    check_source(0) | check_command(0) | check_page(55, "the page of a child");

	if (ioctl(fd, EDU_GET_DMA_ADDR, &page_bus) != 0)
		return complain("EDU_GET_DMA_ADDR in a child: %s", strerror(errno));
	wrong |= check_buffer(0);
	set_liveness(4711);
	wrong |= computed(9) | write_buffer(56, 0);
	return wrong | check_all(0);
}

static int fork_one(long unused)
{
	pid_t pid;
	int status;

	(void)unused;
	set_all(7);
	if (write_page(55))
		return 1;
	compute(long_operand);
	pid = fork();
	if (pid == 0)
		_exit(fork_child());
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return complain("fork: %s", strerror(errno));
	return (status != 0 && complain("the child's status is 0x%x", (unsigned)status)) |
	       check_page(55, "the page of a parent") | check_all(0);
}

/* All at once. */

static unsigned int randomly(unsigned int n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int change_something(int with_dma)
{
	unsigned int pick = with_dma ? randomly(64) : 2 + randomly(62);

	if (pick == 0)
		return write_buffer(1 + randomly(1000), randomly(2) ? EDU_DMA_IRQ : 0);
	if (pick == 1)
		return dma((uint64_t)randomly(1000) << 40 | EDU_DMA_FROM_DEVICE) ||
		       check_page(now.buffer, "the buffer");
	if (pick < 8)
		compute(1 + randomly(long_operand));
	else if (pick < 28)
		compute(randomly(40));
	else if (pick < 36)
		set_dma(randomly(1u << 24), (uint64_t)randomly(1u << 24) << 20, randomly(100));
	else if (pick < 44 && !(get32(EDU_STATUS) & EDU_COMPUTING) && check_irq(0) == 0)
		set_irq(randomly(1u << 24) & ~(uint32_t)EDU_IRQ_COMPUTED);
	else if (pick < 48 && check_irq(0) == 0)
		set_status(randomly(2) ? EDU_IRQ_FACTORIAL : 0);
	else
		set_liveness(randomly(1u << 24));
	return 0;
}

/* arg: milliseconds, negative: without DMA */
static int use_freely(long arg)
{
	double end = seconds() + (double)labs(arg) / 1000;
	int wrong = 0;

	seed = seed * 31 + (unsigned int)getpid();
	while (wrong == 0 && seconds() < end) {
		wrong = check_liveness(0) || check_status(0) || check_source(0) ||
			check_destination(0) || check_count(0) || check_command(0);
		if (wrong == 0 && randomly(4) != 0)
			wrong = check_factorial(0) || check_irq(0);
		if (wrong == 0)
			wrong = wait_bit(EDU_STATUS, EDU_COMPUTING, 0) || change_something(arg > 0);
		if (randomly(8) == 0)
			nap(randomly(3000));
	}
	return wrong;
}

static unsigned long long added(uint64_t after, uint64_t before)
{
	return after - before;
}

static void test_free(long arg)
{
	struct edu_stats before = stats(), after;
	struct peer p[NPEERS + 1];
	int wrong = 0;

	for (int i = 0; i <= NPEERS; i++) {
		p[i] = peer_start();
		tell(&p[i], use_freely, arg * (i == NPEERS ? 100 : 1));
	}
	nap((unsigned int)labs(arg) * 500);
	kill(p[NPEERS].pid, SIGKILL);
	for (int i = 0; i < NPEERS; i++)
		wrong |= hear(&p[i]);
	after = stats();
	for (int i = 0; i < NPEERS; i++)
		wrong |= ask(&p[i], check_all, 0);
	for (int i = 0; i <= NPEERS; i++)
		peer_wait(&p[i]);
	result(wrong == 0, "C1 %d processes use it as they like, one is killed (seed %u)",
	       NPEERS + 1, seed);
	result(after.switches > before.switches + NPEERS,
	       "%llu switches, %llu in mid-computation, %llu in mid-DMA; buffers: %llu saved, "
	       "%llu loaded",
	       added(after.switches, before.switches), added(after.computing, before.computing),
	       added(after.moving, before.moving), added(after.buffer_saves, before.buffer_saves),
	       added(after.buffer_loads, before.buffer_loads));
}

int main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) * 1000 : 10000;
	struct peer p[NOTHERS];
	int wrong = 0;

	seed = argc > 2 ? (unsigned int)atol(argv[2]) : (unsigned int)time(NULL);
	signal(SIGPIPE, SIG_IGN);
	printf("1..%d\n", (int)NPARTS + 17);
	fflush(stdout);
	fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(DEVICE);
	test_parts();
	test_fresh();
	/* In a process of its own; what it finds, its children are to know. */
	map_device();
	if (calibrate(0))
		die("calibrate");
	munmap((void *)regs, EDU_REGISTERS_SIZE);
	memset(&now, 0, sizeof(now));
	for (int i = 0; i < NOTHERS; i++)
		p[i] = peer_start();
	test_computing(p, 0);
	test_computing(p, EDU_IRQ_FACTORIAL);
	wrong = ask(&p[0], write_buffer_of, 11) | ask(&p[1], write_buffer_of, 12);
	test_moving(p);
	test_kill(p);
	test_waiting(p);
	result(wrong == 0 && ask(&p[2], fork_one, 0) == 0, "C21 a child has a copy of its own");
	for (int i = 0; i < NOTHERS; i++)
		peer_wait(&p[i]);
	test_free(-ms);
	test_free(ms);
	return failures != 0;
}
