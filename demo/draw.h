/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
#ifndef DEMO_DRAW_H
#define DEMO_DRAW_H

/*
 * A whole program: draws a scene (its number in scenes[]) on the device again and again, then its
 * last frame, and says how it went. Arguments: [-t SECONDS] [DEVICE]. Returns the exit status: 0 if
 * every register always had the value that this program stored there.
 */
int draw_main(int argc, char **argv, const char *name, int scene);

#endif
