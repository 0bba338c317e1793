/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * xfbhw: the hardware of xfb: screen memory, a 2D engine, a display. drivers/xfb.h has its registers,
 * doc/xfb.md what its operations do, pixel by pixel.
 *
 * A command is latched when it is taken: what a program stores while the engine is busy counts for
 * the next one. An operation runs in slices, one for each sync(), so that a big one stays in flight
 * while drivers and programs come and go. Nothing that a program stores can make the engine draw
 * outside screen memory or work for longer than it takes to draw all of it once: rectangles are
 * clipped before they are drawn, and the coordinates of lines have a limit.
 */
#include <stdbool.h>
#include <errno.h>
#include <string.h>

#include <devmap/model.h>
#include "../drivers/xfb.h"

enum { REGISTERS, SCREEN, DISPLAY, OWN }; /* register sets; the last is nobody's but ours */

/*
 * What another engine's model has to know of this one, if the engine dies: as all device memory, OWN is then what
 * it was. An operation that was in flight cannot be done again, for some of it is drawn: it ends with an error.
 */
#define OWN_SIZE       4096
#define OWN_MAGIC      0x00
#define OWN_STAGE      0x04 /* of an operation, see below */
#define OWN_FENCE      0x08 /* what XFB_FENCE is about to be */
#define OWN_OPERATIONS 0x0c
#define OWN_BEGUN      0x10 /* 64 bits: when the display began */

enum { REST, TAKING, DRAWING, ENDING };

#define SIZE_MAX_PIXELS 8192  /* of the screen, either way */
#define BUFFERS_MAX	4     /* screens that fit into screen memory */
#define CHUNK		1024  /* pixels moved at once */
#define SLICE		16384 /* work done in one sync(): pixels of a rectangle */
#define SPAN_COST	16    /* what beginning a run of pixels costs, in pixels */

#define NFIXED		(XFB_STATE / 4)
#define NSTATE		((XFB_ERROR - XFB_STATE) / 4 + 1)

struct rect {
	int64_t x, y, w, h; /* w, h may be 0, never negative once clipped */
};

/* One operation, latched and clipped. */
struct operation {
	uint32_t command;
	uint32_t error;
	uint32_t foreground, background, rop, pattern;
	uint64_t pitch, offset;	  /* of the surface, bytes */
	struct rect rect;	  /* FILL, COPY: where to draw; LINE: where drawing is allowed */
	int64_t shift_x, shift_y; /* COPY: from the destination to the source */
	bool up, left;		  /* COPY: last row first, last pixel first */
	int64_t row, col;	  /* FILL, COPY: the next to draw */
	int64_t x, y;		  /* LINE: the next pixel */
	int64_t step, steps;	  /* LINE: pixels done, pixels in all */
	int64_t minor, slip;	  /* LINE: extent of the shorter axis, twice the error so far */
	int step_x, step_y;
	bool steep; /* LINE: y is the longer axis */
};

struct xfbhw {
	uint32_t memory; /* bytes of screen memory */
	uint32_t pitch;
	bool busy;
	uint32_t fixed[NFIXED]; /* what the registers before XFB_STATE must read as */
	uint64_t begun;		/* when the display began with its first line */
	uint64_t line_ns;	/* how long it takes for a line */
	uint64_t lines;		/* sent since, when its registers were written */
	struct operation op;
	uint32_t chunk[CHUNK]; /* source pixels on their way */
};

/* The registers as they stood when the command was taken. */
struct latch {
	uint32_t word[NSTATE];
};

static uint32_t latched(const struct latch *l, unsigned reg)
{
	return l->word[(reg - XFB_STATE) / 4];
}

static int32_t coordinate(const struct latch *l, unsigned reg)
{
	return (int32_t)latched(l, reg);
}

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

static struct rect intersect(struct rect a, struct rect b)
{
	struct rect r = { max64(a.x, b.x), max64(a.y, b.y), 0, 0 };

	r.w = max64(0, min64(a.x + a.w, b.x + b.w) - r.x);
	r.h = max64(0, min64(a.y + a.h, b.y + b.h) - r.y);
	return r;
}

/*
 * Raster operation on a run: rop is a truth table (see XFB_ROP), applied to all bits of each pixel.
 * Its rows become masks, so that the loop has no branches.
 */
static void raster(uint32_t rop, const uint32_t *src, uint32_t *dst, size_t n)
{
	uint32_t both = -(rop & 1), only_src = -(rop >> 1 & 1);
	uint32_t only_dst = -(rop >> 2 & 1), none = -(rop >> 3 & 1);

	for (size_t i = 0; i < n; i++) {
		uint32_t s = src[i], d = dst[i];

		dst[i] = (s & d & both) | (s & ~d & only_src) | (~s & d & only_dst) |
			 (~s & ~d & none);
	}
}

/* Draws n pixels at off, as far as pages are contiguous; the pin is held for one run at a time. */
static void draw_span(struct devmap_model *m, uint64_t off, const uint32_t *src, size_t n,
		      uint32_t rop)
{
	while (n > 0) {
		size_t len = n * 4;
		uint32_t *dst = devmap_model_pin(m, SCREEN, off, &len);
		size_t run = len / 4;

		if (rop == XFB_ROP_COPY)
			memcpy(dst, src, run * 4);
		else
			raster(rop, src, dst, run);
		devmap_model_unpin(m, SCREEN);
		src += run;
		off += run * 4;
		n -= run;
	}
}

static void read_words(struct devmap_model *m, int set, uint64_t off, uint32_t *dst, size_t n)
{
	while (n > 0) {
		size_t len = n * 4;
		const uint32_t *src = devmap_model_pin(m, set, off, &len);
		size_t run = len / 4;

		for (size_t i = 0; i < run; i++)
			dst[i] = __atomic_load_n(&src[i], __ATOMIC_RELAXED);
		devmap_model_unpin(m, set);
		dst += run;
		off += run * 4;
		n -= run;
	}
}

static uint64_t pixel_offset(const struct operation *op, int64_t x, int64_t y)
{
	return op->offset + (uint64_t)y * op->pitch + (uint64_t)x * 4;
}

/* One chunk of a row of the rectangle. Returns what it cost. */
static int64_t rect_chunk(struct devmap_model *m, struct xfbhw *hw)
{
	struct operation *op = &hw->op;
	const struct rect *r = &op->rect;
	int64_t n = min64(r->w - op->col, CHUNK);
	int64_t x = op->left ? r->x + r->w - op->col - n : r->x + op->col;
	int64_t y = op->up ? r->y + r->h - 1 - op->row : r->y + op->row;

	if (op->command == XFB_COPY)
		read_words(m, SCREEN, pixel_offset(op, x + op->shift_x, y + op->shift_y), hw->chunk,
			   (size_t)n);
	draw_span(m, pixel_offset(op, x, y), hw->chunk, (size_t)n, op->rop);
	op->col += n;
	if (op->col == r->w) {
		op->col = 0;
		op->row++;
	}
	return n + SPAN_COST;
}

static bool rect_slice(struct devmap_model *m, struct xfbhw *hw)
{
	struct operation *op = &hw->op;

	if (op->rect.w == 0)
		return true;
	for (int64_t work = 0; work < SLICE && op->row < op->rect.h;)
		work += rect_chunk(m, hw);
	return op->row >= op->rect.h;
}

static bool inside(const struct rect *r, int64_t x, int64_t y)
{
	return x >= r->x && x < r->x + r->w && y >= r->y && y < r->y + r->h;
}

/*
 * Bresenham: after i of n steps along the longer axis the shorter one has made i * minor / n steps,
 * rounded, a half rounded up (away from the start). slip is twice the part not yet made.
 */
static void line_step(struct operation *op)
{
	bool side = false;

	op->slip += 2 * op->minor;
	if (op->slip >= op->steps) {
		op->slip -= 2 * op->steps;
		side = true;
	}
	if (!op->steep || side)
		op->x += op->step_x;
	if (op->steep || side)
		op->y += op->step_y;
	op->step++;
}

static bool line_slice(struct devmap_model *m, struct xfbhw *hw)
{
	struct operation *op = &hw->op;

	for (int64_t work = 0; work < SLICE; work += SPAN_COST) {
		if (inside(&op->rect, op->x, op->y)) {
			bool on = op->pattern >> (op->step % 32) & 1;
			uint32_t pixel = on ? op->foreground : op->background;

			draw_span(m, pixel_offset(op, op->x, op->y), &pixel, 1, op->rop);
		}
		if (op->step == op->steps)
			return true;
		line_step(op);
	}
	return false;
}

/* Part of the surface where this operation may draw. Empty, with an error, for a bad surface. */
static struct rect begin_surface(struct xfbhw *hw, const struct latch *l)
{
	struct operation *op = &hw->op;
	struct rect none = { 0, 0, 0, 0 };

	op->pitch = latched(l, XFB_DST_PITCH);
	op->offset = latched(l, XFB_DST_OFFSET);
	if (op->pitch == 0 || op->pitch % 4 != 0 || op->offset % 4 != 0 ||
	    op->offset + op->pitch > hw->memory) {
		op->error = XFB_ERROR_SURFACE;
		return none;
	}
	return (struct rect){ 0, 0, (int64_t)op->pitch / 4,
			      (int64_t)((hw->memory - op->offset) / op->pitch) };
}

static void begin_rect(struct xfbhw *hw, const struct latch *l, struct rect surface,
		       struct rect allowed)
{
	struct operation *op = &hw->op;
	struct rect dst = { coordinate(l, XFB_DST_X), coordinate(l, XFB_DST_Y),
			    latched(l, XFB_EXTENT_X), latched(l, XFB_EXTENT_Y) };

	op->rect = intersect(dst, allowed);
	if (op->command == XFB_FILL) {
		for (int i = 0; i < CHUNK; i++)
			hw->chunk[i] = op->foreground;
		return;
	}
	op->shift_x = coordinate(l, XFB_SRC_X) - dst.x;
	op->shift_y = coordinate(l, XFB_SRC_Y) - dst.y;
	/* Only pixels that have a source on the surface are drawn. */
	surface.x -= op->shift_x;
	surface.y -= op->shift_y;
	op->rect = intersect(op->rect, surface);
	op->up = op->shift_y < 0;
	op->left = op->shift_y == 0 && op->shift_x < 0;
}

static void begin_line(struct xfbhw *hw, const struct latch *l, struct rect allowed)
{
	struct operation *op = &hw->op;
	int64_t from_x = coordinate(l, XFB_FROM_X), from_y = coordinate(l, XFB_FROM_Y);
	int64_t to_x = coordinate(l, XFB_TO_X), to_y = coordinate(l, XFB_TO_Y);
	int64_t far = max64(max64(distance(0, from_x), distance(0, from_y)),
			    max64(distance(0, to_x), distance(0, to_y)));
	int64_t dx = distance(from_x, to_x), dy = distance(from_y, to_y);

	if (far > XFB_COORD_MAX) {
		op->error = XFB_ERROR_RANGE;
		return;
	}
	op->rect = allowed;
	op->x = from_x;
	op->y = from_y;
	op->step_x = from_x < to_x ? 1 : -1;
	op->step_y = from_y < to_y ? 1 : -1;
	op->steep = dy > dx;
	op->steps = max64(dx, dy);
	op->minor = min64(dx, dy);
}

/* Latches the registers for this command and clips. */
static void begin(struct devmap_model *m, struct xfbhw *hw, uint32_t command)
{
	struct operation *op = &hw->op;
	struct rect surface, clip;
	struct latch l;

	read_words(m, REGISTERS, XFB_STATE, l.word, NSTATE);
	*op = (struct operation){ .command = command,
				  .foreground = latched(&l, XFB_FOREGROUND),
				  .background = latched(&l, XFB_BACKGROUND),
				  .rop = latched(&l, XFB_ROP),
				  .pattern = latched(&l, XFB_PATTERN) };
	if (command == XFB_SYNC)
		return;
	if (command > XFB_LINE) {
		op->error = XFB_ERROR_COMMAND;
		return;
	}
	if (op->rop > XFB_ROP_SET) {
		op->error = XFB_ERROR_ROP;
		return;
	}
	surface = begin_surface(hw, &l);
	clip = (struct rect){ coordinate(&l, XFB_CLIP_X), coordinate(&l, XFB_CLIP_Y),
			      latched(&l, XFB_CLIP_WIDTH), latched(&l, XFB_CLIP_HEIGHT) };
	if (command == XFB_LINE)
		begin_line(hw, &l, intersect(surface, clip));
	else
		begin_rect(hw, &l, surface, intersect(surface, clip));
}

/* A slice of the operation in flight. Returns whether that was the last. */
static bool advance(struct devmap_model *m, struct xfbhw *hw)
{
	if (hw->op.error != 0 || hw->op.command == XFB_SYNC)
		return true;
	if (hw->op.command == XFB_LINE)
		return line_slice(m, hw);
	return rect_slice(m, hw);
}

static void set_stage(struct devmap_model *m, uint32_t stage)
{
	devmap_model_write32(m, OWN, OWN_STAGE, stage);
}

/* Whoever sees the fence go up sees the rest; it goes up once, whatever happens. */
static void raise_fence(struct devmap_model *m)
{
	devmap_model_write32(m, REGISTERS, XFB_FENCE, devmap_model_read32(m, OWN, OWN_FENCE));
	set_stage(m, REST);
}

static void end(struct devmap_model *m, struct xfbhw *hw)
{
	uint32_t operations = ++hw->fixed[XFB_OPERATIONS / 4];

	devmap_model_write32(m, OWN, OWN_OPERATIONS, operations);
	devmap_model_write32(m, REGISTERS, XFB_OPERATIONS, operations);
	if (hw->op.error != 0)
		devmap_model_write32(m, REGISTERS, XFB_ERROR, hw->op.error);
	devmap_model_write32(m, OWN, OWN_FENCE, devmap_model_read32(m, REGISTERS, XFB_FENCE) + 1);
	set_stage(m, ENDING);
	raise_fence(m);
}

static void set_busy(struct devmap_model *m, struct xfbhw *hw, bool busy)
{
	hw->busy = busy;
	hw->fixed[XFB_STATUS / 4] = busy ? XFB_BUSY : 0;
	devmap_model_write32(m, REGISTERS, XFB_STATUS, hw->fixed[XFB_STATUS / 4]);
}

/*
 * Registers are memory here, so that a program can spoil those that on real hardware it could not,
 * and would spoil them for the next context: put them right. Returns whether a command waits.
 */
static bool look(struct devmap_model *m, struct xfbhw *hw)
{
	uint32_t seen[NFIXED];

	read_words(m, REGISTERS, 0, seen, NFIXED);
	for (unsigned i = 0; i < NFIXED; i++) {
		if (i != XFB_COMMAND / 4 && seen[i] != hw->fixed[i])
			devmap_model_write32(m, REGISTERS, i * 4, hw->fixed[i]);
	}
	return seen[XFB_COMMAND / 4] != 0;
}

/*
 * Takes the command that waits, if one does, and goes idle otherwise. The engine is busy before the
 * command register is cleared and until no command waits: whoever sees it idle, after the last
 * program was kept from the registers, knows that none of its commands starts any more.
 */
static void next(struct devmap_model *m, struct xfbhw *hw)
{
	uint32_t command = 0;

	if (devmap_model_read32(m, REGISTERS, XFB_COMMAND) != 0) {
		if (!hw->busy)
			set_busy(m, hw, true);
		set_stage(m, TAKING);
		command = devmap_model_take32(m, REGISTERS, XFB_COMMAND);
		set_stage(m, command != 0 ? DRAWING : REST);
	}
	if (command != 0)
		begin(m, hw, command);
	else if (hw->busy)
		set_busy(m, hw, false);
}

/* Where the display is by now. */
static void display(struct devmap_model *m, struct xfbhw *hw)
{
	uint32_t all = hw->fixed[XFB_HEIGHT / 4] + XFB_DISPLAY_BLANK;
	uint64_t lines = (devmap_model_time() - hw->begun) / hw->line_ns;

	if (lines == hw->lines)
		return;
	hw->lines = lines;
	devmap_model_write32(m, DISPLAY, XFB_DISPLAY_LINE, (uint32_t)(lines % all));
	devmap_model_write32(m, DISPLAY, XFB_DISPLAY_FRAMES,
			     (uint32_t)((lines + XFB_DISPLAY_BLANK) / all));
}

static int xfbhw_sync(struct devmap_model *m)
{
	struct xfbhw *hw = devmap_model_private(m);
	bool waiting = look(m, hw);

	display(m, hw);
	if (!hw->busy && waiting)
		next(m, hw);
	if (!hw->busy)
		return 0;
	if (advance(m, hw)) {
		end(m, hw);
		next(m, hw);
	}
	return 1;
}

/* A command that was there is there, or is in flight: it was taken if it is gone. */
static void go_on(struct devmap_model *m, struct xfbhw *hw)
{
	uint32_t stage = devmap_model_read32(m, OWN, OWN_STAGE);

	hw->begun = devmap_model_read64(m, OWN, OWN_BEGUN);
	hw->fixed[XFB_OPERATIONS / 4] = devmap_model_read32(m, OWN, OWN_OPERATIONS);
	if (stage == TAKING && devmap_model_read32(m, REGISTERS, XFB_COMMAND) == 0)
		stage = DRAWING;
	hw->op.error = XFB_ERROR_LOST;
	if (stage == DRAWING)
		end(m, hw);
	else if (stage == ENDING)
		raise_fence(m);
	else
		set_stage(m, REST);
}

static void begin_or_go_on(struct devmap_model *m, struct xfbhw *hw)
{
	if (devmap_model_read32(m, OWN, OWN_MAGIC) == XFB_MAGIC) {
		go_on(m, hw);
		return;
	}
	devmap_model_write64(m, OWN, OWN_BEGUN, hw->begun);
	devmap_model_write32(m, OWN, OWN_MAGIC, XFB_MAGIC);
}

static int xfbhw_attach(struct devmap_model *m)
{
	int width = devmap_model_prop_int(m, "width", 640);
	int height = devmap_model_prop_int(m, "height", 480);
	int buffers = devmap_model_prop_int(m, "buffers", 1);
	struct xfbhw *hw;

	if (width < 1 || width > SIZE_MAX_PIXELS || height < 1 || height > SIZE_MAX_PIXELS ||
	    buffers < 1 || buffers > BUFFERS_MAX)
		return EINVAL;
	hw = devmap_model_alloc(sizeof(*hw));
	if (hw == NULL)
		return ENOMEM;
	hw->pitch = ((uint32_t)width * 4 + 63) & ~63U;
	hw->memory = (hw->pitch * (uint32_t)height * (uint32_t)buffers + 4095) & ~4095U;
	hw->begun = devmap_model_time();
	hw->line_ns = 1000000000 / (XFB_DISPLAY_HZ * ((uint32_t)height + XFB_DISPLAY_BLANK));
	hw->fixed[XFB_ID / 4] = XFB_MAGIC;
	hw->fixed[XFB_WIDTH / 4] = (uint32_t)width;
	hw->fixed[XFB_HEIGHT / 4] = (uint32_t)height;
	hw->fixed[XFB_PITCH / 4] = hw->pitch;
	hw->fixed[XFB_MEMORY / 4] = hw->memory;
	devmap_model_set_private(m, hw);
	if (devmap_model_add_regs(m, XFB_REGISTERS_SIZE) != REGISTERS ||
	    devmap_model_add_regs(m, hw->memory) != SCREEN ||
	    devmap_model_add_regs(m, XFB_DISPLAY_SIZE) != DISPLAY ||
	    devmap_model_add_regs(m, OWN_SIZE) != OWN) {
		devmap_model_free(hw, sizeof(*hw));
		return ENOMEM;
	}
	begin_or_go_on(m, hw);
	(void)look(m, hw);
	return 0;
}

static void xfbhw_detach(struct devmap_model *m)
{
	devmap_model_free(devmap_model_private(m), sizeof(struct xfbhw));
}

extern const struct devmap_model_ops devmap_model;
const struct devmap_model_ops devmap_model = {
	.version = DEVMAP_MODEL_VERSION,
	.size = sizeof(struct devmap_model_ops),
	.name = "xfbhw",
	.attach = xfbhw_attach,
	.detach = xfbhw_detach,
	.sync = xfbhw_sync,
};
