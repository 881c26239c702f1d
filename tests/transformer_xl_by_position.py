"""Transformer-XL computed one position, one head and one key at a time, straight from Dai et al. 2019, section 3.3.

For one text, without dropout, slow, and with nothing of our model but its weights by name.
"""

import math
from itertools import pairwise

import torch


class ByPosition:
    """The model as loops. Its memory is a list a layer of vectors."""

    def __init__(self, model):
        self.weights = model.state_dict(keep_vars=True)
        self.config = model.config
        ends = [0, *self.config.cutoffs, self.config.vocab_size]
        self.clusters = list(pairwise(ends))

    def first_memory(self, start):
        zeros = self.config.mem_len if start == "zeros" else 0
        nothing = torch.zeros(self.config.d_model, dtype=torch.float64)
        return [[nothing] * zeros for _ in range(self.config.n_layer)]

    def segment(self, words, memory):
        """The states of a segment's words, and the memory after it."""
        states, kept = [self.embedding(word) for word in words], []
        for layer, before in enumerate(memory):
            everything = [*before, *states]
            kept.append([state.detach() for state in everything[max(len(everything) - self.config.mem_len, 0) :]])
            states = [self.layer(layer, everything, len(before) + place) for place in range(len(words))]
        return states, kept

    def embedding(self, word):
        cluster, start = self.cluster_of(word)
        if self.config.div_val == 1:
            cluster, start = 0, 0
        vector = self.weights[f"transformer.word_emb.emb_layers.{cluster}.weight"][word - start]
        projection = self.weights.get(f"transformer.word_emb.emb_projs.{cluster}")
        return (vector if projection is None else projection @ vector) * math.sqrt(self.config.d_model)

    def cluster_of(self, word):
        return next((n, start) for n, (start, end) in enumerate(self.clusters) if start <= word < end)

    def distance(self, distance):
        """R: the sines of a distance, then its cosines."""
        if self.config.clamp_len > 0:
            distance = min(distance, self.config.clamp_len)
        frequencies = [10000 ** (-i / self.config.d_model) for i in range(0, self.config.d_model, 2)]
        values = [math.sin(distance * f) for f in frequencies] + [math.cos(distance * f) for f in frequencies]
        return torch.tensor(values, dtype=torch.float64)

    def layer(self, number, everything, place):
        """What comes out of a layer at `place` of its inputs `everything`."""
        name = f"transformer.layers.{number}"
        before, pre = everything[place], self.config.pre_lnorm
        if pre:
            everything = [self.norm(state, f"{name}.dec_attn.layer_norm") for state in everything]
        attended = before + self.attention(number, everything, place)
        attended = attended if pre else self.norm(attended, f"{name}.dec_attn.layer_norm")
        network = self.network(self.norm(attended, f"{name}.pos_ff.layer_norm") if pre else attended, name)
        return attended + network if pre else self.norm(attended + network, f"{name}.pos_ff.layer_norm")

    def attention(self, number, everything, place):
        width, heads = self.config.d_head, self.config.n_head
        name = f"transformer.layers.{number}.dec_attn"
        to_query, to_key, to_value = self.weights[f"{name}.qkv_net.weight"].split(heads * width)
        to_distance = self.weights[f"{name}.r_net.weight"]
        biases = "transformer" if not self.config.untie_r else name
        sums = []
        for head in range(heads):
            rows = slice(head * width, (head + 1) * width)
            query = to_query[rows] @ everything[place]
            u, v = (self.weights[f"{biases}.{bias}"][head] for bias in ("r_w_bias", "r_r_bias"))
            scores, values = [], []
            for distance in range(place + 1):
                if self.config.same_length and distance >= self.config.mem_len:
                    break
                seen = everything[place - distance]
                content = (query + u) @ (to_key[rows] @ seen)
                position = (query + v) @ (to_distance[rows] @ self.distance(distance))
                scores.append((content + position) / math.sqrt(width))
                values.append(to_value[rows] @ seen)
            weights = torch.stack(scores).exp() / torch.stack(scores).exp().sum()
            sums.append(sum(weight * value for weight, value in zip(weights, values, strict=True)))
        return self.weights[f"{name}.o_net.weight"] @ torch.cat(sums)

    def network(self, state, name):
        inner = self.weights[f"{name}.pos_ff.CoreNet.0.weight"] @ state + self.weights[f"{name}.pos_ff.CoreNet.0.bias"]
        inner = torch.where(inner > 0, inner, 0 * inner)
        return self.weights[f"{name}.pos_ff.CoreNet.3.weight"] @ inner + self.weights[f"{name}.pos_ff.CoreNet.3.bias"]

    def norm(self, state, name):
        centred = state - state.mean()
        scaled = centred / torch.sqrt((centred**2).mean() + self.config.layer_norm_epsilon)
        return scaled * self.weights[f"{name}.weight"] + self.weights[f"{name}.bias"]

    def log_probability(self, word, state):
        """log p(word | what was read): p(word), or p(cluster) p(word | cluster)."""
        words = self.clusters[0][1]
        head = {word: self.score(word, state) for word in range(words)}
        for cluster in range(1, len(self.clusters)):
            row = self.weights["crit.cluster_weight"][cluster - 1]
            bias = self.weights["crit.cluster_bias"][cluster - 1]
            head["cluster", cluster] = row @ self.projected(state, 0) + bias
        cluster, _ = self.cluster_of(word)
        first = head[word if cluster == 0 else ("cluster", cluster)] - _log_sum(head.values())
        if cluster == 0:
            return first
        others = [self.score(other, state) for other in range(*self.clusters[cluster])]
        return first + self.score(word, state) - _log_sum(others)

    def score(self, word, state):
        cluster, start = self.cluster_of(word)
        table, start = (0, 0) if self.config.div_val == 1 else (cluster, start)
        row = self.weights[f"crit.out_layers.{table}.weight"][word - start]
        return row @ self.projected(state, cluster) + self.weights[f"crit.out_layers.{table}.bias"][word - start]

    def projected(self, state, cluster):
        projection = self.weights.get(f"crit.out_projs.{cluster}")
        return state if projection is None else projection.T @ state


def _log_sum(scores):
    return torch.stack(list(scores)).exp().sum().log()
