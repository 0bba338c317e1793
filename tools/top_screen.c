/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The live screen of devmap top, by ncurses. */
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

static const char keys[] = "Enter open  a all  s sort  / filter  f freeze  q end";

/* What a group is known by from one look to the next. */
struct id {
	char text[96];
};

struct screen {
	struct top *t;
	struct rates *r;
	struct id selected;
	struct id *open; /* groups whose processes are shown */
	size_t nopen;
	bool all, frozen, typing;
	int first;   /* line of the list at the top of the screen */
	double next; /* when to look again */
};

static struct id id_of(const struct rates_group *g)
{
	struct id id;

	snprintf(id.text, sizeof(id.text), "%s %s %u", g->device, g->engine, g->number);
	return id;
}

static bool same(const struct id *a, const struct id *b)
{
	return strcmp(a->text, b->text) == 0;
}

static bool is_open(const struct screen *s, const struct id *id)
{
	for (size_t i = 0; i < s->nopen; i++)
		if (same(&s->open[i], id))
			return true;
	return false;
}

static void toggle(struct screen *s, const struct id *id)
{
	struct id *more;

	for (size_t i = 0; i < s->nopen; i++) {
		if (same(&s->open[i], id)) {
			s->open[i] = s->open[--s->nopen];
			return;
		}
	}
	more = realloc(s->open, (s->nopen + 1) * sizeof(*more));
	if (more != NULL) {
		s->open = more;
		s->open[s->nopen++] = *id;
	}
}

/* The index of the group that is selected; 0: it has gone. */
static size_t selected(const struct screen *s)
{
	for (size_t i = 0; i < s->r->n; i++) {
		struct id id = id_of(&s->r->groups[i]);

		if (same(&id, &s->selected))
			return i;
	}
	return 0;
}

static void select_by(struct screen *s, int step)
{
	const size_t n = s->r->n, at = selected(s);

	if (n == 0)
		return;
	if (step < 0)
		s->selected = id_of(&s->r->groups[at > 0 ? at - 1 : 0]);
	else
		s->selected =
			id_of(&s->r->groups[at + (size_t)step < n ? at + (size_t)step : n - 1]);
}

/*
 * Drawing: the list is drawn from its line `first` on, in what is between head and foot.
 */

#define HEAD 2 /* lines */
#define FOOT 1

static void put(const struct screen *s, int *line, int attributes, const char *text)
{
	const int row = *line - s->first + HEAD;

	++*line;
	if (row < HEAD || row >= LINES - FOOT)
		return;
	attrset(attributes);
	mvaddnstr(row, 0, text, COLS);
	attrset(A_NORMAL);
}

static bool shows_processes(const struct screen *s, const struct rates_group *g)
{
	const struct id id = id_of(g);

	return g->nprocesses > 0 && (s->all || is_open(s, &id));
}

static void put_group(const struct screen *s, const struct rates_group *g, int *line)
{
	char text[TOP_LINE];
	const struct id id = id_of(g);

	top_group(g, text);
	put(s, line,
	    same(&id, &s->selected) ? A_REVERSE :
	    g->waiters > 0	    ? A_BOLD :
				      A_NORMAL,
	    text);
	if (!shows_processes(s, g))
		return;
	top_process_titles(text);
	put(s, line, A_DIM, text);
	for (size_t i = 0; i < g->nprocesses; i++) {
		top_process(&g->processes[i], text);
		put(s, line, g->processes[i].owner ? A_BOLD : A_NORMAL, text);
	}
}

/* How many lines a group takes. */
static int lines_of(const struct screen *s, const struct rates_group *g)
{
	return 1 + (shows_processes(s, g) ? 1 + (int)g->nprocesses : 0);
}

/* The line that is selected, and its processes as far as there is room, are to be seen. */
static void scroll_there(struct screen *s)
{
	const int room = LINES - HEAD - FOOT;
	const size_t at = selected(s);
	int line = 0, end;

	for (size_t i = 0; i < at; i++)
		line += lines_of(s, &s->r->groups[i]);
	end = s->r->n > 0 ? line + lines_of(s, &s->r->groups[at]) : 0;
	if (end > s->first + room)
		s->first = end - room;
	if (line < s->first)
		s->first = line;
}

static void draw_head(const struct screen *s)
{
	char line[TOP_LINE];

	mvprintw(0, 0, "devmap top: %zu device%s, every %.3g s, by %s", s->r->n,
		 s->r->n == 1 ? "" : "s", s->t->interval, top_orders[s->t->order]);
	if (s->typing || s->t->word[0] != '\0')
		printw(", with \"%s%s\"", s->t->word, s->typing ? "_" : "");
	if (s->frozen)
		addstr(", frozen");
	top_titles(line);
	attrset(A_UNDERLINE);
	mvaddnstr(1, 0, line, COLS);
	attrset(A_NORMAL);
}

static void draw(struct screen *s)
{
	int line = 0;

	erase();
	draw_head(s);
	scroll_there(s);
	for (size_t i = 0; i < s->r->n; i++)
		put_group(s, &s->r->groups[i], &line);
	if (s->r->n == 0)
		put(s, &line, A_NORMAL, s->t->word[0] != '\0' ? "nothing has it" : "no devices");
	attrset(A_DIM);
	mvaddnstr(LINES - 1, 0, s->t->trouble[0] != '\0' ? s->t->trouble : keys, COLS - 1);
	attrset(A_NORMAL);
	refresh();
}

/*
 * The user.
 */

/* What was said last, by the order and filter of now. */
static bool take(struct screen *s)
{
	struct rates *r = top_rates(s->t);

	if (r == NULL)
		return false;
	rates_free(s->r);
	s->r = r;
	if (r->n > 0)
		s->selected = id_of(&r->groups[selected(s)]);
	return true;
}

static void type(struct screen *s, int key)
{
	const size_t n = strlen(s->t->word);

	if (key == '\n' || key == KEY_ENTER || key == 27) {
		s->typing = false;
		if (key == 27)
			s->t->word[0] = '\0';
	} else if ((key == KEY_BACKSPACE || key == 127 || key == '\b') && n > 0) {
		s->t->word[n - 1] = '\0';
	} else if (key >= ' ' && key <= '~' && n + 1 < sizeof(s->t->word)) {
		s->t->word[n] = (char)key;
		s->t->word[n + 1] = '\0';
	}
}

/* false: the user has had enough. */
static bool act(struct screen *s, int key)
{
	switch (key) {
	case 'q':
		return false;
	case KEY_UP:
	case 'k':
		select_by(s, -1);
		break;
	case KEY_DOWN:
	case 'j':
		select_by(s, 1);
		break;
	case '\n':
	case ' ':
	case KEY_ENTER:
	case KEY_RIGHT:
	case KEY_LEFT:
		if (s->r->n > 0)
			toggle(s, &s->selected);
		break;
	case 'a':
		s->all = !s->all;
		break;
	case 's':
		s->t->order = (s->t->order + 1) % RATES_ORDERS;
		break;
	case 'f':
		s->frozen = !s->frozen;
		break;
	case '/':
		s->typing = true;
		s->t->word[0] = '\0';
		break;
	default:
		break;
	}
	return true;
}

/* Waits for a key until the next look is due. false: it is over. */
static bool wait_for_key(struct screen *s)
{
	const double left = s->frozen ? 3600 : s->next - top_now();
	int key;

	timeout(left > 0 ? (int)(left * 1000) + 1 : 0);
	key = getch();
	if (key == ERR || key == KEY_RESIZE)
		return true;
	if (s->typing)
		type(s, key);
	else if (!act(s, key))
		return false;
	return take(s);
}

static bool look(struct screen *s)
{
	if (s->frozen || top_now() < s->next)
		return true;
	s->next = top_now() + s->t->interval;
	return top_ask(s->t) == 0 && take(s);
}

int top_screen(struct top *t)
{
	struct screen s = { .t = t };
	SCREEN *terminal = newterm(NULL, stdout, stdin);
	bool good;

	if (terminal == NULL) {
		fprintf(stderr,
			"devmap: top: this terminal (TERM) is not known; there is --once\n");
		return 1;
	}
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	set_escdelay(50);
	(void)curs_set(0);
	while ((good = look(&s))) {
		draw(&s);
		if (!wait_for_key(&s))
			break;
	}
	(void)endwin();
	delscreen(terminal);
	if (!good)
		fprintf(stderr, "devmap: top: %s\n", t->trouble);
	rates_free(s.r);
	free(s.open);
	return good ? 0 : 1;
}
