"""Who answers: the Model protocol, model cards, the registry and one module per backend."""
