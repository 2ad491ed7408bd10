"""altered.py - is a wrong value noticed?  Values that were found equal, changed and compared again."""
import match


def altered(v):
    """Another value of the same form; None: it has nothing that could be changed."""
    if isinstance(v, bool):
        return not v
    if isinstance(v, (int, float)):
        return v + 1
    if isinstance(v, str):
        return hex(int(v, 16) + 4) if v.startswith('0x') else str(int(v) + 1) if v.lstrip('-').isdigit() \
            else v + 'x'
    if isinstance(v, dict):
        for k in v:
            other = altered(v[k])
            if other is not None:
                return {**v, k: other}
    if isinstance(v, list):
        for i, x in enumerate(v):
            other = altered(x)
            if other is not None:
                return [*v[:i], other, *v[i + 1:]]
    return None


def unnoticed(pair, theirs, ours):
    """(how many were tried, those that match() took for right)."""
    tried, missed = 0, []
    for key, calls in theirs.args.items():
        for nodes, values in zip(calls, ours.args.get(key, ())):
            for name, node in nodes if isinstance(nodes, list) else ():
                if name not in values or {x[1] for x in match.match(pair, name, node, values[name])} - \
                        {'exact', 'place'}:
                    continue
                other = altered(values[name])
                if other is None:
                    continue
                tried += 1
                if not {x[1] for x in match.match(pair, name, node, other)} & {'differs', 'kind'}:
                    missed.append((key, name, values[name], other))
    return tried, missed
