"""One pass and some optimizer steps of a reference. Every tensor is kept.

The scripts that make fixtures summarise the results. check_models.py compares them in full.
"""

import torch

LR, MOMENTUM = 0.02, 0.9


def published(key):
    """The key in published files. Versions of transformers from 5.5.1 on name VideoMAE's biases differently."""
    return key.replace("attention.query.bias", "attention.q_bias").replace("attention.value.bias", "attention.v_bias")


def parameters_of(model):
    return {published(key): p for key, p in model.named_parameters() if p.requires_grad}


def buffers_of(model):
    """Running statistics, and tables that are stored but not trained."""
    frozen = {key: p for key, p in model.named_parameters() if not p.requires_grad}
    stored = model.state_dict().keys()
    return frozen | {key: b for key, b in model.named_buffers() if key in stored}


def record(model, inputs, loss_of, taps, training, steps=0):
    """Runs `loss_of(model, inputs)`, then `steps` steps of SGD with momentum.

    loss_of returns (loss, the tensors that SlimReel's last stage returns). taps is a list of
    (name, module, "in" or "out", function of that tensor). Returns {kind: {name: tensor}}."""
    model.train(training)
    activations = {}
    handles = [tap_handle(activations, *tap) for tap in taps]
    loss, last = loss_of(model, inputs)
    for handle in handles:
        handle.remove()
    model.zero_grad()
    loss.backward()
    missing = {name for name, *_ in taps} - activations.keys()
    assert not missing, missing
    result = {
        "activations": activations,
        "logits": {str(i): t.detach() for i, t in enumerate(last)},
        "losses": {"0": loss.detach()},
        "gradients": {key: p.grad for key, p in parameters_of(model).items()},
        "buffers": {key: b.detach().clone() for key, b in buffers_of(model).items()},
        "weights": {},
    }
    if steps:
        result["gradients"] = {key: g.clone() for key, g in result["gradients"].items()}
        optimizer = torch.optim.SGD(parameters_of(model).values(), LR, MOMENTUM)
        optimizer.step()
        for step in range(1, steps):
            optimizer.zero_grad()
            loss = loss_of(model, inputs)[0]
            loss.backward()
            optimizer.step()
            result["losses"][str(step)] = loss.detach()
        result["weights"] = {key: p.detach() for key, p in parameters_of(model).items()}
    return result


def tap_handle(activations, name, module, where, function):
    def keep(tensor):
        activations[name] = function(tensor.detach()).clone()

    if where == "in":
        return module.register_forward_pre_hook(
            lambda _, args, kwargs: keep(args[0] if args else kwargs["hidden_states"]), with_kwargs=True)
    return module.register_forward_hook(lambda _, __, out: keep(out[0] if isinstance(out, tuple) else out))


def at_both_precisions(make, inputs, loss_of, taps_of, training, steps=0):
    """Returns (float64 run, float32 run) of `make()`, a model whose weights are float32 numbers."""
    runs = []
    for dtype in (torch.float64, torch.float32):
        model = make().to(dtype)
        cast = [x.to(dtype) if x.is_floating_point() else x for x in inputs]
        runs.append(record(model, cast, loss_of, taps_of(model), training, steps))
    return runs
