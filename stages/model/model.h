/* model.h: a threading model with a name, and what it is made from: the table of presets, the
 * options that change them, the number of CPUs.
 *
 * Pure data and text: no threads here.
 */
#ifndef STAGES_MODEL_MODEL_H
#define STAGES_MODEL_MODEL_H

#include "stages/model/wiring.h"

#include <stdio.h>

/* The wiring that the settings ask for (--model or --wiring), with its policies and thread counts,
 * on a machine with `cpus` processors. False: `error` is one line that names what contradicts. */
bool model_choose(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                  char error[WIRING_ERROR]);

/* Fills in the thread counts, each with its reason: the notation's own, else the flags' (--readers …),
 * else from `cpus`.
 * A flag that contradicts the wiring or another flag is an error as above. */
bool model_size(struct wiring *wiring, const struct settings *settings, unsigned cpus,
                char error[WIRING_ERROR]);

/* With --overload reap, where sessions serve their clients for life, a connection is a session:
 * there can be no more connections than the sized wiring has sessions to serve them. Are there such
 * sessions, and how many connections can they serve? */
bool model_has_budget(const struct wiring *wiring);
unsigned model_budget(const struct wiring *wiring);

/* Does each client that stalls inside a request occupy a thread of this group, which blocks for it? */
bool model_is_stallable(const struct wiring *wiring, const struct wiring_group *group);

/* "fifo, wait, fixed". */
enum { POLICIES_TEXT = 40 };
void policies_format(const struct policies *policies, char out[POLICIES_TEXT]);

/* The preset's wiring text, or NULL. */
const char *preset_wiring(const char *name);
/* The table that --list-models prints. */
void presets_print(FILE *out);
/* "staged, loops, …" for messages. */
void presets_names(char *out, size_t size);

#endif
