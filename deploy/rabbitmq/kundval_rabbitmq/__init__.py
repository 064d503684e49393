"""Who may do what at the broker, and the definitions that RabbitMQ loads. The standard library only."""
