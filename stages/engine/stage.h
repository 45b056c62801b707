/* stage.h: what the engine knows of a stage: a table of entry points, one for each stage.
 *
 * Why: the engine carries connections between stages, watches their descriptors and keeps their
 * deadlines. What a stage then does with a connection is the stage's business. Each stage fills in
 * one table, declared in its header; layout_groups() puts the tables into the engine before there
 * are threads. So no file of the engine names a stage's function, and a stage can be tested beside
 * a fake of the others.
 *
 * Thread-safety: each function runs on the worker's own thread, but `complete`: any thread.
 */
#ifndef STAGES_ENGINE_STAGE_H
#define STAGES_ENGINE_STAGE_H

#include "core/exchange/exchange.h"
#include "core/exchange/verdict.h"

struct worker;
struct client;

/* Runs the stage for a client that comes with `verdict`. `direct`: the caller is a stage of the
 * same thread (a stamp can be passed on). Returns the next verdict; NONE when the client waits
 * or has been given away. */
typedef enum verdict stage_fn(struct worker *worker, struct client *client, enum verdict verdict,
                              bool direct);

typedef void stage_event_fn(struct worker *worker, struct client *client);

/* A function that the engine never calls for this stage is NULL. */
struct stage_entry {
    stage_fn *enter;
    /* The watch of the client's home says readable. Of the stage that is home: poller, reader. */
    stage_event_fn *readable;
    /* The client's descriptor, which this thread waits for, is ready. Writer. */
    stage_event_fn *writable;
    /* --overload reject: the queue behind has refused a new client. Listener. */
    stage_event_fn *refused;
    /* Somebody else than the stage has completed an answer. Processor. */
    complete_fn *complete;
};

#endif
